using System.Buffers.Binary;
using Stories.Protocol;

namespace Stories.Core.Media;

public enum MediaKind
{
    Unknown,
    Jpeg,
    Png,
    WebP,
    Gif,

    /// <summary>A picture coded by HEVC in an ISO base media file.</summary>
    Heic,

    /// <summary>A picture coded by AV1 in an ISO base media file.</summary>
    Avif,

    /// <summary>A picture that moves, coded by AV1 or HEVC in tracks as a video's (ISO 23008-12, section 7).</summary>
    ImageSequence,

    /// <summary>ISO base media with moving pictures: MP4, QuickTime, 3GP.</summary>
    Mp4,

    /// <summary>Matroska and WebM.</summary>
    Matroska,
}

/// <summary>What a file is, by its first bytes and never by its name; the decoder is then told what to expect.</summary>
public static class MediaKinds
{
    /// <summary>Enough of a file to know.</summary>
    public const int SniffBytes = 64;

    /// <summary>QuickTime files of before there were brands begin with one of these boxes.</summary>
    private static readonly byte[][] OldQuickTime = ["moov"u8.ToArray(), "mdat"u8.ToArray(), "wide"u8.ToArray(), "free"u8.ToArray()];

    public static MediaKind Sniff(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff])) return MediaKind.Jpeg;
        if (start.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return MediaKind.Png;
        if (start.StartsWith("GIF87a"u8) || start.StartsWith("GIF89a"u8)) return MediaKind.Gif;
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1a, 0x45, 0xdf, 0xa3])) return MediaKind.Matroska;
        if (start.Length < 12) return MediaKind.Unknown;
        if (start.StartsWith("RIFF"u8) && start[8..].StartsWith("WEBP"u8)) return MediaKind.WebP;
        var box = start.Slice(4, 4);
        if (box.SequenceEqual("ftyp"u8)) return OfBrands(start);
        foreach (var old in OldQuickTime)
            if (box.SequenceEqual(old)) return MediaKind.Mp4;
        return MediaKind.Unknown;
    }

    public static Lane? LaneOf(MediaKind kind) => kind switch
    {
        MediaKind.Jpeg or MediaKind.Png or MediaKind.WebP or MediaKind.Gif or MediaKind.Heic or MediaKind.Avif or MediaKind.ImageSequence => Lane.Photo,
        MediaKind.Mp4 or MediaKind.Matroska => Lane.Video,
        MediaKind.Unknown => null,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>
    /// The major brand decides, if it says something: pictures often call themselves "mif1" first, which any codec may be in. Then a picture's brand
    /// comes before a sequence's, which may have a picture to stand for it, and before those of the box format, which all may name.
    /// </summary>
    private static MediaKind OfBrands(ReadOnlySpan<byte> start)
    {
        var end = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(start), (uint)start.Length);
        var found = OfBrand(start.Slice(8, 4));
        if (found != MediaKind.Unknown) return found;
        // After the major brand comes its version, which is none.
        for (var at = 16; at + 4 <= end; at += 4)
        {
            var kind = OfBrand(start.Slice(at, 4));
            if (kind is MediaKind.Heic or MediaKind.Avif) return kind;
            if (found == MediaKind.Unknown || kind == MediaKind.ImageSequence) found = kind;
        }
        return found;
    }

    private static MediaKind OfBrand(ReadOnlySpan<byte> brand)
    {
        if (brand.SequenceEqual("avif"u8)) return MediaKind.Avif;
        if (brand.StartsWith("hei"u8)) return MediaKind.Heic;
        if (brand.SequenceEqual("avis"u8) || brand.SequenceEqual("msf1"u8) || brand.StartsWith("hev"u8)) return MediaKind.ImageSequence;
        return brand.StartsWith("iso"u8) || brand.StartsWith("mp4"u8) || brand.SequenceEqual("avc1"u8) || brand.SequenceEqual("qt  "u8) || brand.StartsWith("M4V"u8) ||
            brand.StartsWith("MSNV"u8) || brand.StartsWith("3gp"u8) || brand.StartsWith("3g2"u8) || brand.SequenceEqual("dash"u8) || brand.SequenceEqual("av01"u8) ? MediaKind.Mp4 : MediaKind.Unknown;
    }
}
