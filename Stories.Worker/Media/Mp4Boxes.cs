using System.Buffers.Binary;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>The outermost boxes of an MP4 file (ISO 14496-12, section 4.2): enough to see whether all of it is there.</summary>
internal static class Mp4Boxes
{
    /// <summary>Fragmented files have two for each second or so.</summary>
    private const int Most = 4096;

    /// <summary>
    /// ffmpeg takes a file that ends in the middle of its media for a short one and says nothing; half a video must not go live.
    /// </summary>
    /// <exception cref="MediaRefusedException">The file breaks off, or has no index or no media.</exception>
    public static async Task CheckWholeAsync(Stream file, CancellationToken cancellationToken)
    {
        var header = new byte[16];
        var (hasIndex, hasMedia) = (false, false);
        long at = 0;
        for (var boxes = 0; file.Length - at >= 8; boxes++)
        {
            file.Position = at;
            var read = await file.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancellationToken);
            long length = BinaryPrimitives.ReadUInt32BigEndian(header);
            if (length == 1 && read == 16) length = (long)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(8)), long.MaxValue);
            else if (length == 0) length = file.Length - at;
            // Cameras leave zeros and notes behind the last box; behind index and media that does no harm.
            if (length < 8 || boxes == Most) break;
            hasIndex |= header.AsSpan(4, 4).SequenceEqual("moov"u8);
            hasMedia |= header.AsSpan(4, 4).SequenceEqual("mdat"u8);
            if (length > file.Length - at) throw new MediaRefusedException(MediaCodes.Damaged);
            at += length;
        }
        if (!hasIndex || !hasMedia) throw new MediaRefusedException(MediaCodes.Damaged);
    }

    /// <returns>The index box of a file of ours, which comes at its start.</returns>
    public static ReadOnlySpan<byte> Index(ReadOnlySpan<byte> start)
    {
        while (start.Length >= 8)
        {
            var length = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(start), int.MaxValue);
            if (start[4..].StartsWith("moov"u8)) return start[..Math.Min(length, start.Length)];
            if (length < 8 || length > start.Length) break;
            start = start[length..];
        }
        throw new MediaRefusedException(MediaCodes.Damaged);
    }
}
