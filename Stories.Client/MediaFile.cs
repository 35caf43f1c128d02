using Stories.Protocol;

namespace Stories.Client;

/// <summary>
/// A file to post, and what it seems to be by its first bytes and else by its name: only to pick the lane and tell viewers.
/// The service looks for itself.
/// </summary>
internal sealed record MediaFile(string Path, Lane Lane, string MediaType, long Length)
{
    private const string Unknown = "application/octet-stream";

    public static MediaFile Of(string path)
    {
        Span<byte> start = stackalloc byte[12];
        using var file = File.OpenRead(path);
        start = start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        var (lane, mediaType) = Guess(start, System.IO.Path.GetExtension(path).ToLowerInvariant());
        return new MediaFile(path, lane, mediaType, file.Length);
    }

    private static (Lane Lane, string MediaType) Guess(ReadOnlySpan<byte> start, string extension)
    {
        if (start.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8])) return (Lane.Photo, "image/jpeg");
        if (start.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50])) return (Lane.Photo, "image/png");
        if (start.StartsWith("RIFF"u8)) return (Lane.Photo, "image/webp");
        if (start.StartsWith("GIF8"u8)) return (Lane.Photo, "image/gif");
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1a, 0x45, 0xdf, 0xa3])) return (Lane.Video, "video/x-matroska");
        if (start.Length == 12 && start[4..].StartsWith("ftyp"u8))
        {
            // Photos come in the same box format as videos; the brand tells them apart.
            var brand = start[8..];
            if (brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8)) return (Lane.Photo, "image/avif");
            if (brand.StartsWith("hei"u8) || brand.StartsWith("hev"u8) || brand.SequenceEqual("mif1"u8) || brand.SequenceEqual("msf1"u8)) return (Lane.Photo, "image/heic");
            return (Lane.Video, brand.SequenceEqual("qt  "u8) ? "video/quicktime" : "video/mp4");
        }
        return extension switch
        {
            ".jpg" or ".jpeg" or ".png" or ".webp" or ".heic" or ".avif" or ".gif" => (Lane.Photo, Unknown),
            _ => (Lane.Video, Unknown),
        };
    }
}
