using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Core.Posting;

public enum WorkState
{
    /// <summary>Nothing to process: text, or ended.</summary>
    None,
    Pending,
    Done,
}

/// <summary>
/// A published story. Transitions that two processes could race for (claim, publication of a revision, withdrawal) are
/// conditional updates in the database; this class makes valid new ones and answers questions about one.
/// </summary>
public sealed class Story
{
    /// <summary>Starts of work before a story is rejected for good.</summary>
    public const int MaxAttempts = 3;

    private Story() { }

    public Guid Id { get; private set; }
    public string App { get; private set; } = "";
    public string User { get; private set; } = "";
    public Guid AudienceId { get; private set; }
    public int Epoch { get; private set; }
    public Guid DeviceId { get; private set; }
    public Level Level { get; private set; }
    public StoryState State { get; private set; }
    public DateTimeOffset AcceptedAt { get; private set; }
    public DateTimeOffset ExpiresAt { get; private set; }
    public Guid BucketId { get; private set; }

    /// <summary>32 random bytes, told to the author alone; their hash stands in the bucket's erasure record.</summary>
    public byte[] Leaf { get; private set; } = [];

    /// <summary>Exact bytes that the author's device signed; null once withdrawn or rejected.</summary>
    public byte[]? Manifest { get; private set; }
    public byte[]? Signature { get; private set; }

    /// <summary>The author's device's key as it was then: the device may be removed while the story lives.</summary>
    public byte[] SignerKey { get; private set; } = [];

    /// <summary>Survives the manifest, so that a repeated publish is still recognised.</summary>
    public string ManifestSha256 { get; private set; } = "";

    /// <summary>Wrapped under the bucket key.</summary>
    public byte[]? KeyEnvelope { get; private set; }
    public byte[]? Payload { get; private set; }

    /// <summary>Of the newest revision; wrapped under the bucket key.</summary>
    public byte[]? RenditionManifest { get; private set; }
    public int Revision { get; private set; }

    /// <summary>How its renditions are to be made.</summary>
    public RenderWishes Wishes { get; private set; } = new();

    /// <summary>While more is to be made: what there is already, for the worker that goes on; wrapped under the bucket key.</summary>
    public byte[]? Unfinished { get; private set; }

    public WorkState Work { get; private set; }
    public Lane Lane { get; private set; }

    /// <summary>All that a log says about the story.</summary>
    public Guid WorkId { get; private set; }
    public int Attempt { get; private set; }
    public DateTimeOffset? ClaimedUntil { get; private set; }

    /// <summary>When work on it last began: others' stories are due before another of the same author and app.</summary>
    public DateTimeOffset? StartedAt { get; private set; }
    public Stage Stage { get; private set; }
    public int Percent { get; private set; }
    public string? Code { get; private set; }

    public UserName Author => new(App, User);

    public static Story Accept(
        StoryManifest manifest, UserName author, Guid bucket, byte[] manifestBytes, byte[] signature, byte[] signerKey, string manifestSha256,
        byte[] keyEnvelope, byte[]? payload, RenderWishes wishes, Lane? lane, Guid workId, byte[] leaf, DateTimeOffset expiresAt, DateTimeOffset now) => new()
        {
            Id = manifest.Story,
            App = author.App,
            User = author.User,
            AudienceId = manifest.Audience,
            Epoch = manifest.Epoch,
            DeviceId = manifest.Device,
            Level = manifest.Level,
            State = lane is null ? StoryState.Live : StoryState.Accepted,
            AcceptedAt = ToMicroseconds(now),
            ExpiresAt = ToMicroseconds(expiresAt),
            BucketId = bucket,
            Leaf = leaf,
            Manifest = manifestBytes,
            Signature = signature,
            SignerKey = signerKey,
            ManifestSha256 = manifestSha256,
            KeyEnvelope = keyEnvelope,
            Payload = payload,
            Wishes = wishes,
            Work = lane is null ? WorkState.None : WorkState.Pending,
            Lane = lane ?? Lane.Photo,
            WorkId = workId,
            Stage = lane is null ? Stage.Done : Stage.Waiting,
            Percent = lane is null ? 100 : 0,
        };

    public bool HasExpired(DateTimeOffset now) => now >= ExpiresAt;

    /// <summary>As exact as the database keeps it: what the author is told is when it ends.</summary>
    private static DateTimeOffset ToMicroseconds(DateTimeOffset time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond));

    public bool IsShown(DateTimeOffset now) => State == StoryState.Live && !HasExpired(now);

    public StoryProgress Progress => new(Id, State, ExpiresAt, Revision, Stage, Percent, Code);
}

/// <summary>One blob that viewers can fetch. What it shows stands in the sealed rendition manifest, not here.</summary>
public sealed class Rendition
{
    private Rendition() { }

    public Guid StoryId { get; private set; }
    public int Part { get; private set; }
    public Guid BucketId { get; private set; }
    public int Revision { get; private set; }
    public string BlobName { get; private set; } = "";
    public long Length { get; private set; }

    /// <summary>At level clear only: how storage is told to serve it, and how long a player may need the URL.</summary>
    public string? MediaType { get; private set; }
    public TimeSpan? Duration { get; private set; }

    public static Rendition Of(Story story, int part, int revision, string blobName, long length, string? mediaType, TimeSpan? duration) => new()
    {
        StoryId = story.Id,
        Part = part,
        BucketId = story.BucketId,
        Revision = revision,
        BlobName = blobName,
        Length = length,
        MediaType = story.Level == Level.Clear ? mediaType : null,
        Duration = story.Level == Level.Clear ? duration : null,
    };
}
