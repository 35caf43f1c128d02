using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>
/// One immutable version of what is shown: facts and media, by digest. Its bytes lie in a container of its own, because it lives by
/// its lines' dates and the public repository, and not for a day.
/// </summary>
public sealed class Creative
{
    /// <summary>Starts of work before it is refused for good.</summary>
    public const int MaxAttempts = 3;

    private Creative() { }

    public Guid Id { get; private set; }
    public Guid AdvertiserId { get; private set; }
    public CreativeState State { get; private set; }
    public CreativeFacts Facts { get; private set; } = null!;

    /// <summary>The ciphertext it is made from, until it is.</summary>
    public Guid? UploadId { get; private set; }
    public string UploadSha256 { get; private set; } = "";
    public long UploadLength { get; private set; }
    public Lane Lane { get; private set; }

    /// <summary>Of <see cref="CreativeContent"/>, once made.</summary>
    public string? Digest { get; private set; }
    public IReadOnlyList<StoredMedia> Media { get; private set; } = [];
    public string? Container { get; private set; }

    /// <summary>64 bits of what its poster or picture looks like.</summary>
    public long? PerceptualHash { get; private set; }

    /// <summary>Milliseconds; null for a picture.</summary>
    public long? Duration { get; private set; }

    /// <summary>Why it could not be made, or what is odd about it.</summary>
    public string? Code { get; private set; }
    public int Attempt { get; private set; }
    public DateTimeOffset? ClaimedUntil { get; private set; }
    public DateTimeOffset CreatedAt { get; private set; }
    public DateTimeOffset ChangedAt { get; private set; }

    /// <summary>The last epoch for which a catalog held it: the repository shows it for a year after.</summary>
    public DateTimeOffset? LastShownAt { get; private set; }

    /// <summary>Since when its bytes may not be there any more; the worker deletes them at once.</summary>
    public DateTimeOffset? ErasedAt { get; private set; }

    public static Creative Prepare(Guid id, Guid advertiser, CreativeFacts facts, DateTimeOffset now) => new()
    {
        Id = id,
        AdvertiserId = advertiser,
        State = CreativeState.Draft,
        Facts = facts,
        CreatedAt = now,
        ChangedAt = now,
    };

    /// <returns>False once it is more than a draft: then a new one is needed.</returns>
    public bool Change(CreativeFacts facts, DateTimeOffset now)
    {
        if (State != CreativeState.Draft || ErasedAt is not null) return false;
        (Facts, ChangedAt) = (facts, now);
        return true;
    }

    public bool Process(Guid upload, Digest ciphertext, Lane lane, DateTimeOffset now)
    {
        if (State != CreativeState.Draft || ErasedAt is not null) return false;
        (UploadId, UploadSha256, UploadLength, Lane) = (upload, ciphertext.Sha256, ciphertext.Length, lane);
        (State, ChangedAt, Code, Attempt) = (CreativeState.Processing, now, null, 0);
        return true;
    }

    /// <summary>A worker begins: whoever began before has lost it.</summary>
    /// <param name="container">New for each attempt: what an earlier one left goes with its own.</param>
    public void Start(string container, DateTimeOffset until) => (Attempt, Container, ClaimedUntil) = (Attempt + 1, container, until);

    /// <summary>Whether the worker that began with a container may still say what came of it.</summary>
    public bool IsHeldWith(string? container) => State == CreativeState.Processing && Container == container;

    /// <param name="oddity">What a person should look at; null: nothing.</param>
    public void Finish(CreativeContent content, IReadOnlyList<StoredMedia> media, long? look, string? oddity, DateTimeOffset now)
    {
        (Digest, Media, PerceptualHash, Duration) = (content.Digest, media, look, content.Media.Max(m => m.Duration));
        (State, Code, ChangedAt, ClaimedUntil) = (CreativeState.Ready, oddity, now, null);
    }

    /// <summary>Its media is to blame, or we have failed too often. A new creative may be made of another file.</summary>
    public void Refuse(string code, DateTimeOffset now) => (State, Code, ChangedAt, ClaimedUntil) = (CreativeState.Rejected, code, now, null);

    /// <summary>Its bytes are to go now, whatever retention says; what was shown, by whom and when stays known.</summary>
    /// <returns>False when somebody has said so already.</returns>
    public bool Erase(DateTimeOffset now)
    {
        if (ErasedAt is not null) return false;
        (State, ChangedAt, ErasedAt) = (CreativeState.Withdrawn, now, now);
        return true;
    }

    public bool Submit(DateTimeOffset now) => Move(CreativeState.Ready, CreativeState.InReview, now);

    /// <summary>Once, of what a person refused; a second refusal is the last word.</summary>
    public bool Appeal(DateTimeOffset now) => Digest is not null && Move(CreativeState.Rejected, CreativeState.InReview, now);

    public bool Approve(DateTimeOffset now) => Move(CreativeState.InReview, CreativeState.Approved, now) || Move(CreativeState.Suspended, CreativeState.Approved, now);

    public bool Reject(DateTimeOffset now) => Move(CreativeState.InReview, CreativeState.Rejected, now);

    public bool Suspend(DateTimeOffset now) => Move(CreativeState.Approved, CreativeState.Suspended, now);

    public bool Withdraw(DateTimeOffset now) => State != CreativeState.Withdrawn && Move(State, CreativeState.Withdrawn, now);

    private bool Move(CreativeState from, CreativeState to, DateTimeOffset now)
    {
        // Without bytes there is nothing to look at, and nothing to show.
        if (State != from || ErasedAt is not null && to != CreativeState.Withdrawn) return false;
        (State, ChangedAt) = (to, now);
        return true;
    }
}

/// <param name="BlobName">In the creative's container.</param>
public sealed record StoredMedia(CreativeMedia File, string BlobName);

/// <summary>What was decided about a creative, or asked: never changed.</summary>
public sealed class Review
{
    private Review() { }

    public Guid Id { get; private set; }
    public Guid CreativeId { get; private set; }

    /// <summary>Null: its owner appealed.</summary>
    public ReviewDecision? Decision { get; private set; }
    public ReviewReason[] Reasons { get; private set; } = [];

    /// <summary>To the owner or, in an appeal, by the owner.</summary>
    public string? Note { get; private set; }

    /// <summary><c>app/user</c>; empty once the reviewer was erased, or for an appeal.</summary>
    public string Reviewer { get; private set; } = "";
    public DateTimeOffset At { get; private set; }

    public static Review Decide(Guid creative, ReviewDecision decision, ReviewReason[] reasons, string? note, UserName reviewer, DateTimeOffset now) =>
        new() { Id = Guid.NewGuid(), CreativeId = creative, Decision = decision, Reasons = reasons, Note = note, Reviewer = reviewer.ToString(), At = now };

    /// <summary>By the service itself.</summary>
    public static Review Decide(Guid creative, ReviewReason[] reasons, DateTimeOffset now) => new() { Id = Guid.NewGuid(), CreativeId = creative, Decision = ReviewDecision.Reject, Reasons = reasons, At = now };

    public static Review Appeal(Guid creative, string note, DateTimeOffset now) => new() { Id = Guid.NewGuid(), CreativeId = creative, Note = note, At = now };
}

/// <summary>What a merchant signed.</summary>
public sealed class StoredOffer
{
    private StoredOffer() { }

    public Guid Id { get; private set; }
    public Guid AdvertiserId { get; private set; }
    public byte[] Bytes { get; private set; } = [];
    public byte[] Signature { get; private set; } = [];
    public string Key { get; private set; } = "";
    public OfferState State { get; private set; }
    public DateTimeOffset ExpiresAt { get; private set; }

    public static StoredOffer Of(Offer offer, SignedRecord record) => new()
    {
        Id = offer.Id,
        AdvertiserId = offer.Advertiser,
        Bytes = record.Bytes,
        Signature = record.Signature,
        Key = record.Key,
        State = OfferState.Live,
        ExpiresAt = DateTimeOffset.FromUnixTimeSeconds(offer.ExpiresAt),
    };

    public SignedRecord Record => new(Bytes, Signature, Key);

    /// <summary>Whether a catalog of the epoch may hold it: nobody is to be led to what is over.</summary>
    public bool Lasts(long epoch) => State == OfferState.Live && ExpiresAt > IssuedCatalog.EndOf(epoch);

    public bool Revoke()
    {
        if (State == OfferState.Revoked) return false;
        State = OfferState.Revoked;
        return true;
    }
}
