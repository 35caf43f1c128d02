using System.Text;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>A track of pictures or sound, as the container names its codec.</summary>
/// <param name="IsTaken">We open it.</param>
internal sealed record Track(bool IsPicture, bool IsTaken);

/// <summary>The outermost elements of a Matroska file (RFC 9559) and its list of tracks: enough to see what it is coded in, and whether all of it is there.</summary>
internal static class MatroskaTracks
{
    private const long Header = 0x1A45DFA3;
    private const long Segment = 0x18538067;
    private const long Cluster = 0x1F43B675;
    private const long TrackList = 0x1654AE6B;
    private const long TrackEntry = 0xAE;
    private const long TrackType = 0x83;
    private const long CodecId = 0x86;
    private const int Picture = 1;
    private const int Sound = 2;
    private const int MostList = 4 << 20;
    private const int Most = 4096;

    private static readonly string[] Pictures = ["V_MPEG4/ISO/AVC", "V_MPEGH/ISO/HEVC", "V_VP8", "V_VP9", "V_AV1", "V_MPEG4/ISO/SP", "V_MPEG4/ISO/ASP", "V_MPEG4/ISO/AP", "V_MJPEG"];
    private static readonly string[] Sounds = ["A_AAC", "A_OPUS", "A_VORBIS", "A_MPEG/L3", "A_PCM/INT/LIT", "A_PCM/INT/BIG", "A_PCM/FLOAT/IEEE"];

    /// <summary>ffmpeg takes a file that breaks off for a short one and says nothing; half a video must not go live.</summary>
    /// <exception cref="MediaRefusedException">The file breaks off, or has no tracks or no media.</exception>
    public static async Task CheckWholeAsync(Stream file, CancellationToken cancellationToken)
    {
        var (hasTracks, hasMedia) = (false, false);
        await foreach (var element in OutermostAsync(file, cancellationToken))
        {
            hasTracks |= element.Id == TrackList;
            hasMedia |= element.Id == Cluster;
            if (element.End > file.Length) throw new MediaRefusedException(MediaCodes.Damaged);
        }
        if (!hasTracks || !hasMedia) throw new MediaRefusedException(MediaCodes.Damaged);
    }

    public static async Task<IReadOnlyList<Track>> ReadAsync(Stream file, CancellationToken cancellationToken)
    {
        await foreach (var element in OutermostAsync(file, cancellationToken))
        {
            if (element.Id != TrackList || element.End is not { } end || end > file.Length) continue;
            var list = new byte[Math.Min(end - element.Start, MostList)];
            file.Position = element.Start;
            await file.ReadExactlyAsync(list, cancellationToken);
            return Tracks(list);
        }
        return [];
    }

    private static List<Track> Tracks(ReadOnlySpan<byte> list)
    {
        var tracks = new List<Track>();
        while (Next(ref list, out var id, out var entry) && tracks.Count < Most)
        {
            if (id != TrackEntry) continue;
            var (type, codec) = (0, "");
            while (Next(ref entry, out var field, out var value))
            {
                if (field == TrackType && value.Length == 1) type = value[0];
                if (field == CodecId) codec = Encoding.Latin1.GetString(value).TrimEnd('\0');
            }
            if (type == Picture) tracks.Add(new Track(true, Pictures.Contains(codec)));
            // AAC of older writers has its profile behind a slash.
            if (type == Sound) tracks.Add(new Track(false, Sounds.Contains(codec) || codec.StartsWith("A_AAC/", StringComparison.Ordinal)));
        }
        return tracks;
    }

    /// <summary>Those of the file and, in its place, those of its segment. One whose size is not known (a recorder streamed it) has no end.</summary>
    private static async IAsyncEnumerable<(long Id, long Start, long? End)> OutermostAsync(Stream file, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var head = new byte[12];
        long at = 0;
        for (var count = 0; count < Most && at < file.Length; count++)
        {
            file.Position = at;
            var read = await file.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
            if (!TryReadHead(head.AsSpan(0, read), out var id, out var size, out var length)) yield break;
            var end = size < 0 || size > long.MaxValue - at - length ? (long?)null : at + length + size;
            yield return (id, at + length, end);
            // Into the segment; over everything else, whose size must be known for that.
            if (id != Segment && end is null) yield break;
            at = id == Segment ? at + length : end!.Value;
        }
    }

    private static bool Next(ref ReadOnlySpan<byte> elements, out long id, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (!TryReadHead(elements, out id, out var size, out var length) || size < 0 || size > elements.Length - length) return false;
        content = elements.Slice(length, (int)size);
        elements = elements[(length + (int)size)..];
        return true;
    }

    /// <param name="size">-1 when it is not known.</param>
    private static bool TryReadHead(ReadOnlySpan<byte> bytes, out long id, out long size, out int length)
    {
        (id, size, length) = (0, 0, 0);
        if (!TryReadNumber(bytes, 4, keepMark: true, out id, out var idLength) || !TryReadNumber(bytes[idLength..], 8, keepMark: false, out size, out var sizeLength)) return false;
        if (size == (1L << (7 * sizeLength)) - 1) size = -1;
        length = idLength + sizeLength;
        return true;
    }

    /// <summary>RFC 8794, section 4: as many bytes as the first one has zeros in front, and one.</summary>
    private static bool TryReadNumber(ReadOnlySpan<byte> bytes, int most, bool keepMark, out long number, out int length)
    {
        (number, length) = (0, 0);
        if (bytes.Length == 0 || bytes[0] == 0) return false;
        length = System.Numerics.BitOperations.LeadingZeroCount((uint)bytes[0] << 24) + 1;
        if (length > most || length > bytes.Length) return false;
        number = keepMark ? bytes[0] : bytes[0] & (0xFF >> length);
        for (var i = 1; i < length; i++) number = (number << 8) | bytes[i];
        return true;
    }
}
