using System.Security.Cryptography;

namespace Stories.Protocol;

/// <summary>
/// What the service signs once nothing of a bucket is left. A story stands in it as the hash of a random word that only its author was told:
/// the record names nobody, and its author finds it all the same.
/// </summary>
/// <param name="Deployment">Of the service: several may share one signing key.</param>
/// <param name="Due">Unix milliseconds: no story in the bucket was to be seen later.</param>
/// <param name="Erased">Unix milliseconds: when the service had looked, and found nothing.</param>
/// <param name="Stories">All that were accepted, also those that were withdrawn or taken down before.</param>
/// <param name="Blobs">What lay there at the bucket's end.</param>
/// <param name="Bytes">Of these blobs.</param>
/// <param name="Leaves">One for each story: SHA-256 in lower-case hex, in ascending order.</param>
public sealed record ErasureRecord(
    string Deployment,
    Guid Bucket,
    long Due,
    long Erased,
    int Stories,
    int Blobs,
    long Bytes,
    IReadOnlyList<string> Leaves)
{
    private const int HashCharacters = 64;

    public static string HashOf(ReadOnlySpan<byte> leaf) => Convert.ToHexStringLower(SHA256.HashData(leaf));

    /// <summary>Whether a signed record proves what it should to whoever holds the ticket.</summary>
    /// <param name="serviceKey">The service's Ed25519 public key, as pinned.</param>
    /// <param name="record">Null with <see cref="ErasureFault.NotSigned"/> and <see cref="ErasureFault.Malformed"/>.</param>
    /// <returns>Null when it does.</returns>
    public static ErasureFault? FindFault(SignedRecord proof, ReadOnlySpan<byte> serviceKey, ErasureTicket ticket, out ErasureRecord? record)
    {
        record = null;
        if (!Signatures.Verify(serviceKey, SignaturePurpose.ErasureRecord, proof.Bytes, proof.Signature)) return ErasureFault.NotSigned;
        if (StoriesJson.ReadCanonical<ErasureRecord>(proof.Bytes) is not { } read || !IsWhole(read)) return ErasureFault.Malformed;
        record = read;
        if (read.Deployment != ticket.Deployment || read.Bucket != ticket.Bucket) return ErasureFault.AnotherBucket;
        if (read.Erased < read.Due) return ErasureFault.TooEarly;
        return read.Leaves.Contains(HashOf(ticket.Leaf)) ? null : ErasureFault.LeafMissing;
    }

    /// <summary>Strictly ascending: each leaf once, and as many as there were stories.</summary>
    private static bool IsWhole(ErasureRecord record) =>
        record is { Deployment: not null, Leaves: { } leaves, Blobs: >= 0, Bytes: >= 0 } && leaves.Count == record.Stories &&
        leaves.All(leaf => leaf is { Length: HashCharacters } && leaf.All(char.IsAsciiHexDigitLower)) &&
        leaves.Zip(leaves.Skip(1)).All(pair => string.CompareOrdinal(pair.First, pair.Second) < 0);
}

/// <summary>What the author of a story keeps, to ask for its bucket's erasure record and to find the story in it.</summary>
/// <param name="Leaf">32 random bytes.</param>
public sealed record ErasureTicket(string Deployment, Guid Bucket, byte[] Leaf)
{
    public const int LeafBytes = 32;
}

/// <summary>Why a record is no proof.</summary>
public enum ErasureFault
{
    /// <summary>Not by this key, or for another purpose.</summary>
    NotSigned,

    /// <summary>Not a record as the service writes it: another form, unsorted leaves, or another number of them than of stories.</summary>
    Malformed,
    AnotherBucket,

    /// <summary>It says that it was erased before it was due, or at a time that has not come yet.</summary>
    TooEarly,
    LeafMissing,
}
