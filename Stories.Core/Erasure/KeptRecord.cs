namespace Stories.Core.Erasure;

/// <summary>What the service signed when a bucket was erased, as long as it is kept. Apart from the bucket's row, which is read often, because it may hold many leaves.</summary>
public sealed class KeptRecord
{
    private KeptRecord() { }

    public Guid BucketId { get; private set; }

    /// <summary>A signed record as JSON.</summary>
    public byte[] Bytes { get; private set; } = [];
}
