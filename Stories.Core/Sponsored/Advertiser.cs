using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>Who books sponsored statuses: one for each account that wants to.</summary>
public sealed class Advertiser
{
    private Advertiser() { }

    public Guid Id { get; private set; }

    /// <summary>Of the account that registered it.</summary>
    public string App { get; private set; } = "";

    /// <summary>Empty once the account was erased: the ledger needs the advertiser, and nobody the account.</summary>
    public string User { get; private set; } = "";
    public string LegalName { get; private set; } = "";

    /// <summary>As viewers see it.</summary>
    public string DisplayName { get; private set; } = "";
    public string Country { get; private set; } = "";
    public string Contact { get; private set; } = "";

    /// <summary>Signs its offers: Ed25519, 32 bytes; null when it has none.</summary>
    public byte[]? OfferKey { get; private set; }
    public AdvertiserState State { get; private set; }
    public DateTimeOffset CreatedAt { get; private set; }
    public DateTimeOffset? DecidedAt { get; private set; }

    public static Advertiser Register(Guid id, UserName owner, string legalName, string displayName, string country, string contact, byte[]? offerKey, DateTimeOffset now) => new()
    {
        Id = id,
        App = owner.App,
        User = owner.User,
        LegalName = legalName,
        DisplayName = displayName,
        Country = country,
        Contact = contact,
        OfferKey = offerKey,
        State = AdvertiserState.Pending,
        CreatedAt = now,
    };

    /// <summary>Who changes who it is has to be verified again.</summary>
    /// <returns>False for what is closed.</returns>
    public bool Change(string legalName, string displayName, string country, string contact, byte[]? offerKey, DateTimeOffset now)
    {
        if (State == AdvertiserState.Closed) return false;
        var isSame = (legalName, displayName, country) == (LegalName, DisplayName, Country);
        (LegalName, DisplayName, Country, Contact, OfferKey) = (legalName, displayName, country, contact, offerKey);
        if (!isSame && State == AdvertiserState.Verified) (State, DecidedAt) = (AdvertiserState.Pending, now);
        return true;
    }

    public bool IsOwnedBy(UserName caller) => App == caller.App && User == caller.User;

    /// <returns>False for what is closed, or is so already.</returns>
    public bool Verify(DateTimeOffset now) => Decide(AdvertiserState.Verified, now);

    /// <inheritdoc cref="Verify"/>
    public bool Suspend(DateTimeOffset now) => Decide(AdvertiserState.Suspended, now);

    /// <inheritdoc cref="Verify"/>
    public bool Close(DateTimeOffset now) => Decide(AdvertiserState.Closed, now);

    private bool Decide(AdvertiserState state, DateTimeOffset now)
    {
        if (State == AdvertiserState.Closed || State == state) return false;
        (State, DecidedAt) = (state, now);
        return true;
    }
}
