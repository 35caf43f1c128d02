using Stories.Protocol;

namespace Stories.Core.Media;

public enum MediaKind
{
    Unknown,
    Jpeg,
    Png,
    WebP,

    /// <summary>ISO base media: MP4 and QuickTime.</summary>
    Mp4,
}

/// <summary>What a file is, by its first bytes and never by its name; the decoder is then told what to expect.</summary>
public static class MediaKinds
{
    /// <summary>Enough of a file to know.</summary>
    public const int SniffBytes = 32;

    public static MediaKind Sniff(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff])) return MediaKind.Jpeg;
        if (start.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return MediaKind.Png;
        if (start.Length >= 12 && start.StartsWith("RIFF"u8) && start[8..].StartsWith("WEBP"u8)) return MediaKind.WebP;
        if (start.Length >= 12 && start[4..].StartsWith("ftyp"u8) && IsVideoBrand(start.Slice(8, 4))) return MediaKind.Mp4;
        return MediaKind.Unknown;
    }

    public static Lane? LaneOf(MediaKind kind) => kind switch
    {
        MediaKind.Jpeg or MediaKind.Png or MediaKind.WebP => Lane.Photo,
        MediaKind.Mp4 => Lane.Video,
        MediaKind.Unknown => null,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>HEIC and AVIF are ISO base media too, and pictures.</summary>
    private static bool IsVideoBrand(ReadOnlySpan<byte> brand) =>
        brand.StartsWith("iso"u8) || brand.StartsWith("mp4"u8) || brand.SequenceEqual("avc1"u8) || brand.SequenceEqual("qt  "u8) ||
        brand.StartsWith("M4V"u8) || brand.StartsWith("MSNV"u8) || brand.StartsWith("3gp"u8) || brand.SequenceEqual("dash"u8);
}
