using Stories.Protocol;

namespace Stories.Core.Uploads;

public enum UploadState
{
    /// <summary>Bytes are coming in.</summary>
    Receiving,

    /// <summary>All bytes are staged; the block list still has to be committed.</summary>
    Received,

    /// <summary>The ciphertext is one blob.</summary>
    Committed,

    /// <summary>A story owns it.</summary>
    Consumed,
}

/// <summary>An encrypted file on its way in. Offset and block order live in the database; storage only holds bytes.</summary>
public sealed class Upload
{
    private Upload() { }

    /// <summary>The end of an upload that is given up before its time: it takes no bytes, no story takes it, and the sweep removes what is left of it.</summary>
    public static readonly DateTimeOffset Ended = DateTimeOffset.UnixEpoch;

    public Guid Id { get; private set; }
    public string App { get; private set; } = "";
    public string User { get; private set; } = "";
    public Lane Lane { get; private set; }
    public Level Level { get; private set; }
    public Guid ProcessingKeyId { get; private set; }
    public long Length { get; private set; }
    public long Offset { get; private set; }

    /// <summary>Raised by every request that sends bytes: an older, half-open one finds itself superseded.</summary>
    public int Epoch { get; private set; }
    public int Parts { get; private set; }

    /// <summary>Staged and never to be named, which no quota counts.</summary>
    public long WastedBytes { get; private set; }
    public UploadState State { get; private set; }
    public string BlobName { get; private set; } = "";
    public DateTimeOffset CreatedAt { get; private set; }
    public DateTimeOffset ExpiresAt { get; private set; }
    public Guid? StoryId { get; private set; }

    /// <summary>The story's: what of the ciphertext has not gone before goes with the bucket.</summary>
    public Guid? BucketId { get; private set; }

    /// <summary>Its place among the story's uploads, from 0.</summary>
    public int? Ordinal { get; private set; }

    /// <summary>When the ciphertext was deleted; the row stays for the day's quota.</summary>
    public DateTimeOffset? BytesGoneAt { get; private set; }

    public UserName Owner => new(App, User);

    public static Upload Begin(
        Guid id, UserName owner, Lane lane, Level level, Guid processingKey, long length, string blobName, DateTimeOffset now, TimeSpan life) => new()
        {
            Id = id,
            App = owner.App,
            User = owner.User,
            Lane = lane,
            Level = level,
            ProcessingKeyId = processingKey,
            Length = length,
            State = UploadState.Receiving,
            BlobName = blobName,
            CreatedAt = now,
            ExpiresAt = now + life,
        };

    public bool HasExpired(DateTimeOffset now) => now >= ExpiresAt;
}

/// <summary>One staged block, in the order in which the commit names them.</summary>
public sealed class UploadBlock
{
    private UploadBlock() { }

    public Guid UploadId { get; private set; }
    public int Ordinal { get; private set; }

    /// <summary>Random for each attempt, so that a block of a lost attempt can never be committed by mistake.</summary>
    public string BlockId { get; private set; } = "";
    public int Length { get; private set; }
}
