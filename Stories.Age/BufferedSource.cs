using System.Buffers;

namespace Stories.Age;

/// <summary>A stream with a buffer of one chunk and one byte: enough to know whether a full chunk is the last.</summary>
internal sealed class BufferedSource(Stream stream) : IDisposable
{
    public const int Capacity = Payload.SealedChunkBytes + 1;

    private byte[]? buffer = ArrayPool<byte>.Shared.Rent(Capacity);
    private int start;
    private int end;

    public async ValueTask<int> ReadByteAsync(CancellationToken cancellationToken)
    {
        if (start == end && await FillAsync(1, cancellationToken).ConfigureAwait(false) == 0) return -1;
        return Buffer[start++];
    }

    /// <summary>Makes up to <paramref name="wanted"/> bytes available; fewer only at the stream's end.</summary>
    public async ValueTask<int> FillAsync(int wanted, CancellationToken cancellationToken)
    {
        if (end - start >= wanted) return end - start;
        Buffer.AsSpan(start, end - start).CopyTo(Buffer);
        (start, end) = (0, end - start);
        while (end < wanted)
        {
            var read = await stream.ReadAsync(Buffer.AsMemory(end, Capacity - end), cancellationToken).ConfigureAwait(false);
            if (read == 0) break;
            end += read;
        }
        return end - start;
    }

    public Span<byte> Available => Buffer.AsSpan(start, end - start);

    public void Consume(int bytes) => start += bytes;

    public void Dispose()
    {
        if (buffer is { } rented) ArrayPool<byte>.Shared.Return(rented);
        buffer = null;
    }

    private byte[] Buffer => buffer ?? throw new ObjectDisposedException(nameof(BufferedSource));
}
