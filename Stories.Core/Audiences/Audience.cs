using Stories.Protocol;

namespace Stories.Core.Audiences;

/// <summary>Who may see what its owner posts. Who is in it changes by epochs, each with a key of its own.</summary>
public sealed class Audience
{
    private Audience() { }

    public Guid Id { get; private set; }
    public string OwnerApp { get; private set; } = "";
    public string OwnerUser { get; private set; } = "";
    public AudienceKind Kind { get; private set; }

    /// <summary>The number of the newest epoch, from 1.</summary>
    public int Epoch { get; private set; }
    public DateTimeOffset CreatedAt { get; private set; }

    public UserName Owner => new(OwnerApp, OwnerUser);

    public static Audience Found(Guid id, UserName owner, AudienceKind kind, DateTimeOffset now) => new()
    {
        Id = id,
        OwnerApp = owner.App,
        OwnerUser = owner.User,
        Kind = kind,
        Epoch = 1,
        CreatedAt = now,
    };
}

/// <summary>
/// A user's stay in an audience, from one epoch up to another. Stories posted during the stay remain visible after it:
/// changing an audience does not touch what was already posted.
/// </summary>
public sealed class AudienceMember
{
    private AudienceMember() { }

    public Guid AudienceId { get; private set; }
    public string App { get; private set; } = "";
    public string User { get; private set; } = "";
    public int FromEpoch { get; private set; }

    /// <summary>The first epoch without the member; null while the stay lasts.</summary>
    public int? ToEpoch { get; private set; }

    public UserName Name => new(App, User);

    public static AudienceMember Join(Guid audience, UserName member, int epoch) =>
        new() { AudienceId = audience, App = member.App, User = member.User, FromEpoch = epoch };

    public void Leave(int epoch) => ToEpoch = epoch;
}

/// <summary>One epoch's public key. Later also the owner's signature and the hash of the record before.</summary>
public sealed class AudienceEpoch
{
    private AudienceEpoch() { }

    public Guid AudienceId { get; private set; }
    public int Number { get; private set; }
    public string Recipient { get; private set; } = "";
    public DateTimeOffset CreatedAt { get; private set; }

    public static AudienceEpoch Begin(Guid audience, int number, string recipient, DateTimeOffset now) =>
        new() { AudienceId = audience, Number = number, Recipient = recipient, CreatedAt = now };
}

/// <summary>An epoch's identity, age-encrypted to one device: opaque to us.</summary>
public sealed class EpochEnvelopeRow
{
    private EpochEnvelopeRow() { }

    public Guid AudienceId { get; private set; }
    public int Number { get; private set; }
    public Guid DeviceId { get; private set; }
    public byte[] Envelope { get; private set; } = [];

    public static EpochEnvelopeRow For(Guid audience, int number, Guid device, byte[] envelope) =>
        new() { AudienceId = audience, Number = number, DeviceId = device, Envelope = envelope };
}
