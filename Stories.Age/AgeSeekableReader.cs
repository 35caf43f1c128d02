using System.Buffers;
using System.Security.Cryptography;

namespace Stories.Age;

/// <summary>Ciphertext that can be read anywhere, for instance a blob by HTTP ranges.</summary>
public interface IAgeRangeSource
{
    /// <summary>Bytes of the whole age file, as its store says. It need not be trusted.</summary>
    long Length { get; }

    /// <summary>Fills the buffer from an offset.</summary>
    /// <param name="offset">Bytes from the start of the age file.</param>
    /// <param name="buffer">Filled whole; the range lies within <see cref="Length"/>.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    ValueTask ReadExactlyAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken);
}

/// <summary>
/// Reads any part of an age file's plaintext without reading what comes before. The final chunk is opened first, so that
/// <see cref="Length"/> is authentic. One read at a time.
/// </summary>
public sealed class AgeSeekableReader : IDisposable
{
    private readonly IAgeRangeSource source;
    private readonly Payload payload;
    private readonly long start;
    private readonly byte[] sealedChunk = ArrayPool<byte>.Shared.Rent(Payload.SealedChunkBytes);
    private readonly byte[] plain = ArrayPool<byte>.Shared.Rent(Payload.ChunkBytes);
    private readonly long lastChunk;
    private long heldChunk = -1;
    private bool isDisposed;

    private AgeSeekableReader(IAgeRangeSource source, Payload payload, long start)
    {
        this.source = source;
        this.payload = payload;
        this.start = start;
        var bytes = source.Length - start;
        lastChunk = (bytes - 1) / Payload.SealedChunkBytes;
        var lastBytes = bytes - lastChunk * Payload.SealedChunkBytes;
        if (lastBytes < Payload.TagBytes) throw new AgeException(AgeFailure.Truncated, "The file ends within a chunk.");
        Length = lastChunk * Payload.ChunkBytes + lastBytes - Payload.TagBytes;
    }

    /// <summary>Bytes of plaintext; authentic, since the final chunk was opened at this place.</summary>
    public long Length { get; }

    /// <summary>Reads the header and the final chunk.</summary>
    /// <param name="source">The age file.</param>
    /// <param name="identities">Any of them may open it.</param>
    /// <param name="limits">Of the header; null means <see cref="AgeLimits.Default"/>.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="AgeException">The file cannot be opened, was changed or was cut.</exception>
    public static async Task<AgeSeekableReader> OpenAsync(
        IAgeRangeSource source, IReadOnlyList<AgeIdentity> identities, AgeLimits? limits = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        using var stream = new RangeStream(source);
        using var buffered = new BufferedSource(stream);
        var header = await AgeHeader.ReadAsync(buffered, limits ?? AgeLimits.Default, cancellationToken).ConfigureAwait(false);
        var fileKey = AgeHeader.Open(header, identities);
        if (source.Length - header.Length <= Payload.NonceBytes) throw new AgeException(AgeFailure.Truncated, "The file ends before its payload.");
        var nonce = new byte[Payload.NonceBytes];
        await source.ReadExactlyAsync(header.Length, nonce, cancellationToken).ConfigureAwait(false);
        var reader = new AgeSeekableReader(source, new Payload(fileKey, nonce), header.Length + Payload.NonceBytes);
        CryptographicOperations.ZeroMemory(fileKey);
        try
        {
            await reader.OpenChunkAsync(reader.lastChunk, cancellationToken).ConfigureAwait(false);
            if (reader.lastChunk > 0 && reader.LastIsEmpty)
                throw new AgeException(AgeFailure.Payload, "The last chunk is empty, and not the only one.");
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Reads plaintext from an offset.</summary>
    /// <param name="offset">Bytes from the start of the plaintext.</param>
    /// <param name="buffer">Receives what there is.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    /// <returns>Bytes read; fewer than asked for only at the end of a chunk, 0 only at the end of the plaintext.</returns>
    /// <exception cref="AgeException">A chunk was changed.</exception>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (offset >= Length || buffer.Length == 0) return 0;
        var chunk = offset / Payload.ChunkBytes;
        if (heldChunk != chunk) await OpenChunkAsync(chunk, cancellationToken).ConfigureAwait(false);
        var within = (int)(offset - chunk * Payload.ChunkBytes);
        var taken = Math.Min(buffer.Length, PlainBytes(chunk) - within);
        plain.AsMemory(within, taken).CopyTo(buffer);
        return taken;
    }

    /// <summary>Wipes what is held.</summary>
    public void Dispose()
    {
        if (isDisposed) return;
        isDisposed = true;
        payload.Dispose();
        ArrayPool<byte>.Shared.Return(sealedChunk);
        ArrayPool<byte>.Shared.Return(plain, clearArray: true);
    }

    private bool LastIsEmpty => PlainBytes(lastChunk) == 0;

    private int PlainBytes(long chunk) => (int)(chunk < lastChunk ? Payload.ChunkBytes : Length - lastChunk * Payload.ChunkBytes);

    private async ValueTask OpenChunkAsync(long chunk, CancellationToken cancellationToken)
    {
        var length = PlainBytes(chunk) + Payload.TagBytes;
        await source.ReadExactlyAsync(start + chunk * Payload.SealedChunkBytes, sealedChunk.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        heldChunk = -1;
        if (!payload.TryOpen(chunk, chunk == lastChunk, sealedChunk.AsSpan(0, length), plain))
            throw new AgeException(chunk == lastChunk ? AgeFailure.Truncated : AgeFailure.Payload, "A chunk was changed, or the file was cut.");
        heldChunk = chunk;
    }

    /// <summary>The start of the source as a stream, for reading the header.</summary>
    private sealed class RangeStream(IAgeRangeSource source) : Stream
    {
        private const int HeaderRead = 4096;
        private long position;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var wanted = (int)Math.Min(Math.Min(buffer.Length, HeaderRead), source.Length - position);
            if (wanted <= 0) return 0;
            await source.ReadExactlyAsync(position, buffer[..wanted], cancellationToken).ConfigureAwait(false);
            position += wanted;
            return wanted;
        }

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
