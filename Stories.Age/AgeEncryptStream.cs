using System.Buffers;
using System.Security.Cryptography;

namespace Stories.Age;

/// <summary>
/// Write-only: what is written comes out encrypted in another stream, in bounded memory (three chunks of 64 KiB). The file is
/// whole only after <see cref="CompleteAsync"/>; disposing without it leaves a file that every reader refuses as truncated.
/// </summary>
public sealed class AgeEncryptStream : Stream
{
    private readonly Stream destination;
    private readonly Payload payload;
    private readonly byte[] head;
    private byte[]? plain = ArrayPool<byte>.Shared.Rent(Payload.ChunkBytes);
    private byte[] output = ArrayPool<byte>.Shared.Rent(Payload.SealedChunkBytes);
    private byte[] writing = ArrayPool<byte>.Shared.Rent(Payload.SealedChunkBytes);
    private Task written = Task.CompletedTask;
    private int held;
    private long number;
    private bool isHeadWritten;
    private bool isComplete;

    /// <summary>Begins a file; nothing is written before the first full chunk or <see cref="CompleteAsync"/>.</summary>
    /// <param name="destination">Where the age file goes; stays open.</param>
    /// <param name="recipients">At least one; each can open the file alone.</param>
    /// <exception cref="ArgumentException">There is no recipient.</exception>
    public AgeEncryptStream(Stream destination, IReadOnlyList<AgeRecipient> recipients)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (recipients is not { Count: > 0 }) throw new ArgumentException("An age file needs a recipient.", nameof(recipients));
        this.destination = destination;
        Span<byte> fileKey = stackalloc byte[AgeHeader.FileKeyBytes];
        RandomNumberGenerator.Fill(fileKey);
        var nonce = RandomNumberGenerator.GetBytes(Payload.NonceBytes);
        var stanzas = new List<Stanza>(recipients.Count);
        foreach (var recipient in recipients) stanzas.Add(recipient.Wrap(fileKey));
        head = [.. AgeHeader.Write(fileKey, stanzas), .. nonce];
        payload = new Payload(fileKey, nonce);
        CryptographicOperations.ZeroMemory(fileKey);
    }

    /// <summary>Writes the final chunk. The destination is flushed and stays open.</summary>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        if (isComplete) return;
        await WriteChunkAsync(isLast: true, cancellationToken).ConfigureAwait(false);
        await written.ConfigureAwait(false);
        isComplete = true;
        await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            // A full chunk is kept back until more comes: it may be the last.
            if (held == Payload.ChunkBytes) await WriteChunkAsync(isLast: false, cancellationToken).ConfigureAwait(false);
            buffer = buffer[Hold(buffer.Span)..];
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            if (held == Payload.ChunkBytes) WriteChunkAsync(isLast: false, CancellationToken.None).AsTask().GetAwaiter().GetResult();
            buffer = buffer[Hold(buffer)..];
        }
    }

    /// <returns>How much of it there was room for.</returns>
    private int Hold(ReadOnlySpan<byte> buffer)
    {
        if (isComplete) throw new InvalidOperationException("The age file is complete.");
        var taken = Math.Min(buffer.Length, Payload.ChunkBytes - held);
        buffer[..taken].CopyTo(Plain.AsSpan(held));
        held += taken;
        return taken;
    }

    /// <summary>One chunk is sealed while the one before is still being written.</summary>
    private async ValueTask WriteChunkAsync(bool isLast, CancellationToken cancellationToken)
    {
        payload.Seal(number++, isLast, Plain.AsSpan(..held), output);
        await written.ConfigureAwait(false);
        if (!isHeadWritten) await destination.WriteAsync(head, cancellationToken).ConfigureAwait(false);
        isHeadWritten = true;
        written = destination.WriteAsync(output.AsMemory(..(held + Payload.TagBytes)), cancellationToken).AsTask();
        (output, writing) = (writing, output);
        held = 0;
    }

    private byte[] Plain => plain ?? throw new ObjectDisposedException(nameof(AgeEncryptStream));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && plain is { } rented)
        {
            payload.Dispose();
            ArrayPool<byte>.Shared.Return(rented, clearArray: true);
            ArrayPool<byte>.Shared.Return(output);
            // A write that was given up on may still be reading its buffer: that one is left to the collector.
            if (written.IsCompleted) ArrayPool<byte>.Shared.Return(writing);
            plain = null;
        }
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => plain is not null && !isComplete;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Flushes the destination when what has gone out has arrived there. The newest chunk is still held: it may be the last.</summary>
    public override void Flush()
    {
        written.GetAwaiter().GetResult();
        destination.Flush();
    }

    /// <summary>Flushes the destination when what has gone out has arrived there. The newest chunk is still held: it may be the last.</summary>
    /// <param name="cancellationToken">Ends the flushing.</param>
    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await written.ConfigureAwait(false);
        await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
