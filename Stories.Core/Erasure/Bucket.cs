namespace Stories.Core.Erasure;

public enum BucketState
{
    /// <summary>The row is there; the container and its key may not be yet.</summary>
    Opening,
    Open,

    /// <summary>Nothing may be added any more.</summary>
    Sealed,

    /// <summary>Nothing of it is left but this row.</summary>
    Erased,
}

/// <summary>All that dies together: the stories whose end falls into one span of time, in one container with one key.</summary>
public sealed class Bucket
{
    private Bucket() { }

    public Guid Id { get; private set; }

    /// <summary>No story in it expires later.</summary>
    public DateTimeOffset EndsAt { get; private set; }

    /// <summary>Never used again after the bucket's end.</summary>
    public string Container { get; private set; } = "";
    public BucketState State { get; private set; }
    public DateTimeOffset OpenedAt { get; private set; }
    public DateTimeOffset? SealedAt { get; private set; }
    public DateTimeOffset? ErasedAt { get; private set; }
    public int Stories { get; private set; }
    public int Blobs { get; private set; }
    public long Bytes { get; private set; }

    /// <summary>From its end until nothing of it was left; null before that.</summary>
    public TimeSpan? Lag => ErasedAt - EndsAt;

    public static Bucket Open(Guid id, DateTimeOffset endsAt, string container, DateTimeOffset now) =>
        new() { Id = id, EndsAt = endsAt, Container = container, State = BucketState.Opening, OpenedAt = now };

    /// <summary>The end of the bucket to which something belongs that expires then: rounded up to the width.</summary>
    public static DateTimeOffset EndFor(DateTimeOffset expiresAt, TimeSpan width)
    {
        var rest = expiresAt.UtcTicks % width.Ticks;
        return rest == 0 ? expiresAt.ToUniversalTime() : new DateTimeOffset(expiresAt.UtcTicks - rest + width.Ticks, TimeSpan.Zero);
    }
}
