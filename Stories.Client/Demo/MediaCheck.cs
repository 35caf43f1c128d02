using System.Diagnostics;
using Stories.Protocol;

namespace Stories.Client.Demo;

/// <summary>Looks at a decrypted rendition as an outsider would: with ffprobe, ffmpeg, and a search for planted words.</summary>
internal static class MediaCheck
{
    /// <returns>What is wrong, or null.</returns>
    public static async Task<string?> FindFaultAsync(string file, RenditionEntry rendition, Expected sample, CancellationToken cancellationToken)
    {
        if (sample.Renditions?.GetValueOrDefault(rendition.Name) is not [var width, var height]) return "is not expected";
        var bytes = await File.ReadAllBytesAsync(file, cancellationToken);
        if (bytes.LongLength != rendition.ContentLength) return "is not as long as its manifest says";
        var isVideo = rendition.MediaType == "video/mp4";
        if (isVideo ? !bytes.AsSpan(4, 4).SequenceEqual("ftyp"u8) : !bytes.AsSpan(8, 4).SequenceEqual("WEBP"u8)) return "is of another kind";
        if (bytes.AsSpan().IndexOf("CANARY"u8) >= 0 || bytes.AsSpan().IndexOf("Exif"u8) >= 0) return "carries metadata";
        var (_, size) = await RunAsync("ffprobe", cancellationToken, "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "csv=p=0", file);
        if (size.Trim() != $"{width},{height}") return $"is {size.Trim()}";
        var (code, complaints) = await RunAsync("ffmpeg", cancellationToken, "-v", "error", "-i", file, "-f", "null", "-");
        return code == 0 && complaints.Length == 0 ? null : "does not play";
    }

    private static async Task<(int Code, string Output)> RunAsync(string program, CancellationToken cancellationToken, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, output + await errors);
    }
}
