using System.Buffers.Binary;
using System.Numerics;

namespace Stories.Protocol;

/// <summary>
/// Hides exact sizes: what is encrypted is content ‖ zeros ‖ length (8 bytes, big-endian) ‖ "stories1", padded to the next
/// Padmé size (Nikitin et al., PETS 2019), which costs at most 12 % and leaves about log log n bits of the length visible.
/// The trailer stands at the end so that a player can start on the first bytes before the last have come.
/// </summary>
public static class Padding
{
    public const int TrailerBytes = 16;

    private static ReadOnlySpan<byte> Mark => "stories1"u8;

    /// <summary>The smallest Padmé size that holds the content and its trailer.</summary>
    public static long PaddedLength(long contentLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(contentLength);
        var length = contentLength + TrailerBytes;
        var exponent = BitOperations.Log2((ulong)length);
        var significant = BitOperations.Log2((ulong)exponent) + 1;
        var mask = (1L << Math.Max(0, exponent - significant)) - 1;
        return (length + mask) & ~mask;
    }

    public static void WriteTrailer(Span<byte> trailer, long contentLength)
    {
        BinaryPrimitives.WriteInt64BigEndian(trailer, contentLength);
        Mark.CopyTo(trailer[8..]);
    }

    /// <summary>
    /// The content's length in <paramref name="totalLength"/> bytes that end in <paramref name="lastBytes"/>. Bytes without
    /// our trailer are all content: somebody posted with a plain age client.
    /// </summary>
    public static long ContentLength(ReadOnlySpan<byte> lastBytes, long totalLength)
    {
        if (lastBytes.Length < TrailerBytes || totalLength < TrailerBytes) return totalLength;
        var trailer = lastBytes[^TrailerBytes..];
        if (!trailer[8..].SequenceEqual(Mark)) return totalLength;
        var length = BinaryPrimitives.ReadInt64BigEndian(trailer);
        return length >= 0 && length <= totalLength - TrailerBytes && PaddedLength(length) == totalLength ? length : totalLength;
    }

    /// <summary>Writes content of a known length, then its padding and trailer.</summary>
    public static async Task WritePaddedAsync(Stream content, long contentLength, Stream destination, CancellationToken cancellationToken)
    {
        await content.CopyToAsync(destination, cancellationToken);
        var rest = PaddedLength(contentLength) - contentLength - TrailerBytes;
        var zeros = new byte[(int)Math.Min(rest, 64 * 1024)];
        for (; rest > 0; rest -= Math.Min(rest, zeros.Length))
            await destination.WriteAsync(zeros.AsMemory(0, (int)Math.Min(rest, zeros.Length)), cancellationToken);
        var trailer = new byte[TrailerBytes];
        WriteTrailer(trailer, contentLength);
        await destination.WriteAsync(trailer, cancellationToken);
    }
}
