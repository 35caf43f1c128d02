using System.Text.Json.Serialization;

namespace Stories.Protocol.Contracts;

/// <summary>Registers a device of the caller.</summary>
/// <param name="Id">Chosen by the device.</param>
/// <param name="Recipient">Its age recipient.</param>
/// <param name="SigningKey">Its Ed25519 public key, 32 bytes.</param>
public sealed record DeviceRequest(Guid Id, string Recipient, byte[] SigningKey);

public sealed record DeviceView(Guid Id, string User, string Recipient, byte[] SigningKey, DateTimeOffset CreatedAt);

/// <summary>Asks for the devices of people to whom one wants to post; in a body, because paths end up in logs.</summary>
/// <param name="Users"><c>app/user</c>, as many as an audience may have members.</param>
public sealed record DeviceSearch(IReadOnlyList<string> Users);

public sealed record DeviceList(IReadOnlyList<DeviceView> Devices);

/// <summary>A new epoch of an audience: who is in it, and its key for each member device.</summary>
/// <param name="Kind">What the audience is; fixed by its first epoch.</param>
/// <param name="Recipient">The epoch's age recipient.</param>
/// <param name="Members">All members by <c>app/user</c>, the owner included or not.</param>
/// <param name="Envelopes">The epoch's identity, age-encrypted to each device of the owner and the members.</param>
public sealed record EpochRequest(
    AudienceKind Kind,
    string Recipient,
    IReadOnlyList<string> Members,
    IReadOnlyList<EpochEnvelope> Envelopes);

public sealed record EpochEnvelope(Guid Device, byte[] Envelope);

public sealed record AudienceView(Guid Id, string Owner, AudienceKind Kind, int Epoch, string Recipient, IReadOnlyList<string>? Members = null);

public sealed record AudienceList(IReadOnlyList<AudienceView> Audiences);

/// <param name="Envelope">The epoch's identity for the asking device.</param>
public sealed record EpochView(Guid Audience, int Number, string Recipient, byte[] Envelope);

/// <summary>What clients need before they post.</summary>
/// <param name="ServiceKey">The service's Ed25519 public key; apps pin it in their configuration.</param>
public sealed record KeyList(byte[] ServiceKey, IReadOnlyList<SignedRecord> ProcessingKeys);

/// <param name="Manifest">Exact bytes of a <see cref="StoryManifest"/> as <see cref="StoriesJson"/> writes it.</param>
/// <param name="Signature">By the device that the manifest names.</param>
/// <param name="Uploads">Ids, in the manifest's order.</param>
/// <param name="KeyEnvelope">The story's age identity, age-encrypted to the epoch's recipient.</param>
/// <param name="Payload">A <see cref="StoryPayload"/>, age-encrypted to the story's recipient.</param>
/// <param name="Wishes">What renditions to make beside the usual.</param>
public sealed record PublishRequest(
    byte[] Manifest,
    byte[] Signature,
    IReadOnlyList<Guid> Uploads,
    byte[] KeyEnvelope,
    byte[]? Payload = null,
    RenderWishes? Wishes = null);

/// <summary>What an author asks for beside the usual renditions.</summary>
/// <param name="Avif">Photos as AVIF too.</param>
/// <param name="Split">A video that is too long becomes consecutive segments instead of being refused.</param>
/// <param name="PosterAt">Seconds into a video at which its poster is to be seen; null: its beginning.</param>
public sealed record RenderWishes(bool Avif = false, bool Split = false, double? PosterAt = null);

/// <summary>How far a story is; for its author.</summary>
/// <param name="Code">Why it was rejected or taken down.</param>
/// <param name="Ticket">For its erasure record; in the answer to publishing only.</param>
public sealed record StoryProgress(
    Guid Story, StoryState State, DateTimeOffset ExpiresAt, int Revision, Stage Stage, int Percent, string? Code = null, ErasureTicket? Ticket = null);

/// <summary>A live story, for those who may see it.</summary>
/// <param name="SignerKey">The Ed25519 public key of the author's device that signed.</param>
/// <param name="RenditionManifest">A <see cref="SignedRecord"/> <see cref="RenditionManifest"/>: JSON at level clear, age-encrypted JSON else.</param>
public sealed record StoryView(
    Guid Story,
    string Author,
    Guid Audience,
    int Epoch,
    Level Level,
    DateTimeOffset ExpiresAt,
    int Revision,
    byte[] Manifest,
    byte[] Signature,
    byte[] SignerKey,
    byte[] KeyEnvelope,
    byte[]? Payload,
    byte[]? RenditionManifest,
    IReadOnlyList<RenditionUrl> Renditions);

/// <param name="Url">Read-only, for this one blob, until <paramref name="ExpiresAt"/>.</param>
public sealed record RenditionUrl(int Part, long Length, string Url, DateTimeOffset ExpiresAt);

public sealed record OpenRequest(IReadOnlyList<Guid> Stories);

/// <summary>Those of the asked-for stories that the caller may see; the others are simply not in it.</summary>
public sealed record OpenAnswer(IReadOnlyList<StoryView> Stories);

public sealed record TrayView(IReadOnlyList<TrayAuthor> Authors);

/// <param name="Stories">Oldest first, as they are watched.</param>
public sealed record TrayAuthor(string Author, int Unseen, DateTimeOffset LatestAt, IReadOnlyList<TrayStory> Stories);

public sealed record TrayStory(Guid Story, Guid Audience, Level Level, DateTimeOffset AcceptedAt, DateTimeOffset ExpiresAt, bool Seen);

public sealed record StoryList(IReadOnlyList<TrayStory> Stories);

/// <summary>All that ended or will end together; for operators.</summary>
/// <param name="Lag">Seconds from <paramref name="Due"/> to <paramref name="ErasedAt"/>.</param>
/// <param name="Left">What still exists of it now, looked up in the database and in storage.</param>
public sealed record BucketView(Guid Id, DateTimeOffset Due, string State, DateTimeOffset? SealedAt, DateTimeOffset? ErasedAt,
    double? Lag, int Stories, int Blobs, long Bytes, BucketLeft? Left = null);

public sealed record BucketLeft(int Stories, bool Container);

public sealed record BucketList(IReadOnlyList<BucketView> Buckets);

/// <summary>How erasure keeps its time; for operators.</summary>
/// <param name="Quarter">The last 90 days, which is as long as records are kept.</param>
/// <param name="Overdue">Buckets of which something is left for longer than we promise, oldest first.</param>
public sealed record ErasureView(ErasureFigures Day, ErasureFigures Quarter, IReadOnlyList<OverdueBucket> Overdue);

/// <summary>Of all buckets erased in a span of time. Lags are seconds from a bucket's end to its erasure, null when there was none.</summary>
public sealed record ErasureFigures(int Buckets, long Stories, long Blobs, long Bytes, double? LagP50, double? LagP99, double? LagMax);

/// <param name="OverdueBy">Seconds since it was due.</param>
public sealed record OverdueBucket(Guid Id, DateTimeOffset Due, string State, double OverdueBy);

/// <param name="User"><c>app/user</c>, of whom everything is to go; in a body, because paths end up in logs.</param>
public sealed record UserErasure(string User);

public sealed record TakedownRequest([property: JsonRequired] TakedownReason Reason);

/// <summary>What was taken down, in numbers; for operators.</summary>
/// <param name="Since">Takedowns from then on are counted.</param>
public sealed record TakedownReport(DateTimeOffset Since, IReadOnlyList<TakedownCount> Counts);

/// <param name="App">The authors' app.</param>
public sealed record TakedownCount(string App, Level Level, TakedownReason Reason, int Stories);
