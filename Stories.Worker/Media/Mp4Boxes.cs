using System.Buffers.Binary;
using System.Text;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>The outermost boxes of an MP4 file (ISO 14496-12, section 4.2): enough to see whether all of it is there.</summary>
internal static class Mp4Boxes
{
    /// <summary>Fragmented files have two for each second or so.</summary>
    private const int Most = 4096;
    private const int MostIndex = 16 << 20;
    private const int MostTracks = 64;
    private const int InTrackMedia = 2;

    // As sample entries name them; in MPEG-4's wrapping 20 is its own video, 6c JPEG, 40 AAC, 66 to 68 AAC of MPEG-2, 69 and 6b MP3.
    private static readonly string[] Pictures = ["avc1", "avc3", "hvc1", "hev1", "vp08", "vp09", "av01", "mp4v", "mp4v.20", "mp4v.6c", "jpeg", "mjpa"];
    private static readonly string[] Sounds =
        ["mp4a", "mp4a.40", "mp4a.66", "mp4a.67", "mp4a.68", "mp4a.69", "mp4a.6b", ".mp3", "Opus", "samr", "sawb", "sowt", "twos", "raw ", "lpcm", "in24", "in32", "fl32", "ipcm", "fpcm", "alaw", "ulaw"];

    private static readonly byte[][] Inner = ["trak"u8.ToArray(), "mdia"u8.ToArray(), "minf"u8.ToArray(), "stbl"u8.ToArray()];

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
            var (length, _) = Measure(header.AsSpan(0, read), file.Length - at);
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

    /// <summary>What the tracks are coded in (stsd, section 8.5.2).</summary>
    public static async Task<IReadOnlyList<Track>> TracksAsync(Stream file, CancellationToken cancellationToken)
    {
        var (at, length) = await FindAsync(file, "moov", cancellationToken);
        var index = new byte[Math.Min(length, MostIndex)];
        file.Position = at;
        await file.ReadExactlyAsync(index, cancellationToken);
        var tracks = new List<Track>();
        Collect(index, tracks, depth: 0);
        return tracks;
    }

    /// <returns>Where the content of the first outer box of this name is; a length of 0 when there is none, or not all of it.</returns>
    public static async Task<(long At, long Length)> FindAsync(Stream file, string name, CancellationToken cancellationToken)
    {
        var start = new byte[16];
        long at = 0;
        for (var boxes = 0; boxes < Most && file.Length - at >= 8; boxes++)
        {
            file.Position = at;
            var read = await file.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken);
            var (length, header) = Measure(start.AsSpan(0, read), file.Length - at);
            if (length < header || length > file.Length - at) break;
            if (Encoding.Latin1.GetString(start, 4, 4) == name) return (at + header, length - header);
            at += length;
        }
        return (0, 0);
    }

    /// <returns>The length of the box that begins here and of its header; less than that when it is none.</returns>
    public static (long Length, int Header) Measure(ReadOnlySpan<byte> start, long left)
    {
        if (start.Length < 8) return (0, 8);
        long length = BinaryPrimitives.ReadUInt32BigEndian(start);
        if (length == 1) return (start.Length >= 16 ? (long)Math.Min(BinaryPrimitives.ReadUInt64BigEndian(start[8..]), long.MaxValue) : 0, 16);
        return (length == 0 ? left : length, 8);
    }

    private static void Collect(ReadOnlySpan<byte> boxes, List<Track> tracks, int depth, bool? isPicture = null)
    {
        while (boxes.Length >= 8)
        {
            var length = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(boxes), int.MaxValue);
            if (length < 8 || length > boxes.Length || tracks.Count >= MostTracks) return;
            var name = boxes.Slice(4, 4);
            var content = boxes[8..length];
            // What kind of track it is; places and times are tracks too, which we leave behind.
            if (depth == InTrackMedia && name.SequenceEqual("hdlr"u8) && content.Length >= 12)
                isPicture = content[8..].StartsWith("vide"u8) || content[8..].StartsWith("pict"u8) ? true : content[8..].StartsWith("soun"u8) ? false : null;
            else if (isPicture is { } picture && name.SequenceEqual("stsd"u8) && content.Length >= 16) tracks.Add(new Track(picture, IsTaken(picture, Codec(content[8..]))));
            else if (depth < Inner.Length && name.SequenceEqual(Inner[depth])) Collect(content, tracks, depth + 1, isPicture);
            boxes = boxes[length..];
        }
    }

    private static bool IsTaken(bool isPicture, string codec) => isPicture ? Pictures.Contains(codec) : Sounds.Contains(codec);

    /// <summary>The sample entry's name; MPEG-4's wrapping, which anything may be in, with its number: "mp4v.20".</summary>
    private static string Codec(ReadOnlySpan<byte> entry)
    {
        var name = Encoding.Latin1.GetString(entry.Slice(4, 4));
        // ISO 14496-1: 'esds', version, then descriptor 3, in it descriptor 4, which begins with the number.
        var at = entry.IndexOf("esds"u8);
        if (name is not ("mp4a" or "mp4v") || at < 0) return name;
        var rest = Descriptor(entry[(at + 4)..][Math.Min(4, entry.Length - at - 4)..], 3);
        var config = Descriptor(rest.Length >= 3 ? rest[3..] : [], 4);
        return config.Length > 0 ? $"{name}.{config[0]:x2}" : name;
    }

    /// <returns>What follows the descriptor's tag and length, which has up to four bytes; nothing when it is another.</returns>
    private static ReadOnlySpan<byte> Descriptor(ReadOnlySpan<byte> bytes, byte tag)
    {
        if (bytes.Length < 2 || bytes[0] != tag) return [];
        var at = 1;
        while (at < 4 && at < bytes.Length - 1 && bytes[at] >= 0x80) at++;
        return bytes[(at + 1)..];
    }
}
