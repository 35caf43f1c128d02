namespace Stories.Core.Erasure;

/// <summary>What the service signed when a bucket was erased. Apart from the bucket's row, which is read often, because it may hold many leaves.</summary>
public sealed class ErasureRecord
{
    private ErasureRecord() { }

    public Guid BucketId { get; private set; }

    /// <summary>A signed record as JSON, exactly as it is given to whoever asks.</summary>
    public byte[] Bytes { get; private set; } = [];

    public static ErasureRecord Of(Guid bucket, byte[] bytes) => new() { BucketId = bucket, Bytes = bytes };
}
