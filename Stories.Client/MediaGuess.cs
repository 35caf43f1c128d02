using Stories.Protocol;

namespace Stories.Client;

/// <summary>
/// What a file seems to be, by its first bytes and else by its name: only to pick the lane and tell viewers. The service
/// looks for itself.
/// </summary>
internal static class MediaGuess
{
    public static (Lane Lane, string MediaType) Of(string path)
    {
        Span<byte> start = stackalloc byte[12];
        using var file = File.OpenRead(path);
        start = start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        if (start.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8])) return (Lane.Photo, "image/jpeg");
        if (start.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50])) return (Lane.Photo, "image/png");
        if (start.StartsWith("RIFF"u8)) return (Lane.Photo, "image/webp");
        if (start.Length >= 8 && start[4..].StartsWith("ftyp"u8)) return (Lane.Video, "video/mp4");
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".jpg" or ".jpeg" or ".png" or ".webp" => (Lane.Photo, "application/octet-stream"),
            _ => (Lane.Video, "application/octet-stream"),
        };
    }
}
