using System.Security.Cryptography;

namespace Stories.Protocol;

/// <summary>Takes the digest of what is read through it. The source stays open.</summary>
public sealed class DigestedReadStream(Stream source) : ReadOnlyStream
{
    private readonly RunningDigest digest = new();

    /// <summary>Of all that was read; asked for once, at the end.</summary>
    public Digest Finish() => digest.Finish();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await source.ReadAsync(buffer, cancellationToken);
        digest.Append(buffer.Span[..read]);
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) digest.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Takes the digest of what is written through it. The target stays open.</summary>
public sealed class DigestedWriteStream(Stream target) : WriteOnlyStream
{
    private readonly RunningDigest digest = new();

    /// <summary>Of all that was written; asked for once, at the end.</summary>
    public Digest Finish() => digest.Finish();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        digest.Append(buffer.Span);
        await target.WriteAsync(buffer, cancellationToken);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => target.FlushAsync(cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing) digest.Dispose();
        base.Dispose(disposing);
    }
}

internal sealed class RunningDigest : IDisposable
{
    private readonly IncrementalHash sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        sha256.AppendData(bytes);
        length += bytes.Length;
    }

    public Digest Finish() => new(Convert.ToHexStringLower(sha256.GetHashAndReset()), length);

    public void Dispose() => sha256.Dispose();
}
