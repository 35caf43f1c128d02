using System.Security.Cryptography;

namespace Stories.Core.Erasure;

/// <summary>
/// What stands for a story in its bucket's erasure record: the SHA-256 of a random word that only the author was told. It names
/// nobody, and nothing leads from it to the story.
/// </summary>
public sealed class ErasureLeaf
{
    private ErasureLeaf() { }

    public Guid BucketId { get; private set; }

    /// <summary>32 bytes.</summary>
    public byte[] Hash { get; private set; } = [];

    public static ErasureLeaf Of(Guid bucket, byte[] leaf) => new() { BucketId = bucket, Hash = SHA256.HashData(leaf) };
}
