using System.Security.Cryptography;
using Stories.Protocol;

namespace Stories.Client;

/// <summary>Takes the digest of what is written through it. The target stays open.</summary>
internal sealed class DigestingStream(Stream target) : WriteOnlyStream
{
    private readonly IncrementalHash sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long length;

    /// <summary>Of all that was written; asked for once, at the end.</summary>
    public Digest Finish() => new(Convert.ToHexStringLower(sha256.GetHashAndReset()), length);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        sha256.AppendData(buffer.Span);
        length += buffer.Length;
        await target.WriteAsync(buffer, cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) sha256.Dispose();
        base.Dispose(disposing);
    }
}
