using System.Buffers;
using System.Security.Cryptography;

namespace Stories.Age;

/// <summary>
/// Read-only: the plaintext of an age file, in bounded memory (two chunks of 64 KiB). What it gives is authentic chunk by chunk;
/// that the file is whole is known only when a read answers 0. Whoever must not act on half a file reads to the end first.
/// </summary>
public sealed class AgeDecryptStream : Stream
{
    private readonly BufferedSource source;
    private readonly Payload payload;
    private byte[]? plain = ArrayPool<byte>.Shared.Rent(Payload.ChunkBytes);
    private byte[]? writing;
    private int start;
    private int end;
    private long number;
    private bool isLastRead;
    private bool isMoreAppended;

    private AgeDecryptStream(BufferedSource source, Payload payload)
    {
        this.source = source;
        this.payload = payload;
    }

    /// <summary>Reads the header and finds the file key.</summary>
    /// <param name="ciphertext">An age file; stays open. More may be read of it than the file's bytes.</param>
    /// <param name="identities">Tried in turn on every X25519 stanza; other stanza types are passed over.</param>
    /// <param name="limits">Checked before any curve operation; null means <see cref="AgeLimits.Default"/>.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="AgeException">The header is malformed or too large, needs a passphrase, or no identity opens it.</exception>
    public static async Task<AgeDecryptStream> OpenAsync(
        Stream ciphertext, IReadOnlyList<AgeIdentity> identities, AgeLimits? limits = null, CancellationToken cancellationToken = default)
    {
        var source = new BufferedSource(ciphertext);
        try
        {
            var header = await AgeHeader.ReadAsync(source, limits ?? AgeLimits.Default, cancellationToken).ConfigureAwait(false);
            var fileKey = AgeHeader.Open(header, identities);
            if (await source.FillAsync(Payload.NonceBytes, cancellationToken).ConfigureAwait(false) < Payload.NonceBytes) throw new AgeException(AgeFailure.Header, "The file ends within its nonce.");
            var payload = new Payload(fileKey, source.Available[..Payload.NonceBytes]);
            source.Consume(Payload.NonceBytes);
            CryptographicOperations.ZeroMemory(fileKey);
            return new AgeDecryptStream(source, payload);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="AgeException">A chunk was changed, or the file ends before its last chunk.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        buffer.Length > 0 && await HasMoreAsync(cancellationToken).ConfigureAwait(false) ? Take(buffer.Span) : 0;

    /// <inheritdoc/>
    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        // Chunks go over as they are, and one is read and opened while the one before is still being written.
        var written = Task.CompletedTask;
        writing ??= ArrayPool<byte>.Shared.Rent(Payload.ChunkBytes);
        try
        {
            while (true)
            {
                await written.ConfigureAwait(false);
                if (start < end) written = destination.WriteAsync(Plain.AsMemory(start, end - start), cancellationToken).AsTask();
                (plain, writing) = (writing, plain);
                start = end;
                if (IsAtEnd()) return;
                await ReadChunkAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await written.ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    /// <exception cref="AgeException">A chunk was changed, or the file ends before its last chunk.</exception>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    /// <exception cref="AgeException">A chunk was changed, or the file ends before its last chunk.</exception>
    public override int Read(Span<byte> buffer) =>
        buffer.Length > 0 && HasMoreAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult() ? Take(buffer) : 0;

    private async ValueTask<bool> HasMoreAsync(CancellationToken cancellationToken)
    {
        if (start < end) return true;
        if (IsAtEnd()) return false;
        await ReadChunkAsync(cancellationToken).ConfigureAwait(false);
        return start < end;
    }

    private int Take(Span<byte> buffer)
    {
        var taken = Math.Min(buffer.Length, end - start);
        Plain.AsSpan(start, taken).CopyTo(buffer);
        start += taken;
        return taken;
    }

    private async ValueTask ReadChunkAsync(CancellationToken cancellationToken)
    {
        var available = await source.FillAsync(Payload.SealedChunkBytes, cancellationToken).ConfigureAwait(false);
        if (available < Payload.TagBytes) throw new AgeException(AgeFailure.Truncated, "The file ends before its last chunk.");
        var length = Math.Min(available, Payload.SealedChunkBytes);

        // A full chunk may be the last or not, and only its nonce says so; a short one can only be the last.
        if (length == Payload.SealedChunkBytes && payload.TryOpen(number, isLast: false, source.Available[..length], Plain))
        {
            source.Consume(length);
            (start, end) = (0, Payload.ChunkBytes);
            number++;
            return;
        }
        if (!payload.TryOpen(number, isLast: true, source.Available[..length], Plain))
        {
            throw length < Payload.SealedChunkBytes && payload.TryOpen(number, isLast: false, source.Available[..length], Plain)
                ? new AgeException(AgeFailure.Payload, "A chunk that is not the last is not full.")
                : new AgeException(length < Payload.SealedChunkBytes ? AgeFailure.Truncated : AgeFailure.Payload, "A chunk was changed, or the file was cut.");
        }
        if (length == Payload.TagBytes && number > 0) throw new AgeException(AgeFailure.Payload, "The last chunk is empty, and not the only one.");
        source.Consume(length);
        (start, end) = (0, length - Payload.TagBytes);
        isLastRead = true;
        // The chunk is genuine and is given out; what follows it is refused at the next read.
        isMoreAppended = await source.FillAsync(1, cancellationToken).ConfigureAwait(false) > 0;
    }

    /// <summary>After the last chunk there is nothing to read, and nothing may follow.</summary>
    private bool IsAtEnd()
    {
        if (isMoreAppended) throw new AgeException(AgeFailure.Payload, "Bytes follow the last chunk.");
        return isLastRead;
    }

    private byte[] Plain => plain ?? throw new ObjectDisposedException(nameof(AgeDecryptStream));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && plain is { } rented)
        {
            payload.Dispose();
            source.Dispose();
            ArrayPool<byte>.Shared.Return(rented, clearArray: true);
            if (writing is { } second) ArrayPool<byte>.Shared.Return(second, clearArray: true);
            (plain, writing) = (null, null);
        }
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    public override bool CanRead => plain is not null;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
