using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Stories.Protocol;

namespace Stories.Client.Demo;

/// <summary>
/// Looks at a decrypted rendition as an outsider would: its first bytes, ffprobe, ffmpeg, exiftool where there is one, and a
/// search for the words that are planted in the samples' metadata.
/// </summary>
internal static class MediaCheck
{
    private const double SecondsOff = 0.15;

    /// <returns>What is wrong, or null.</returns>
    public static async Task<string?> FindFaultAsync(string file, RenditionEntry rendition, Expected sample, CancellationToken cancellationToken)
    {
        var bytes = await File.ReadAllBytesAsync(file, cancellationToken);
        var isVideo = rendition.MediaType == "video/mp4";
        if (bytes.LongLength != rendition.ContentLength) return "is not as long as its manifest says";
        if (bytes.Length < 12 || !(isVideo ? bytes.AsSpan(4, 4).SequenceEqual("ftyp"u8) : bytes.AsSpan(8, 4).SequenceEqual("WEBP"u8))) return "is of another kind";
        return await FindMetadataAsync(file, bytes, cancellationToken)
            ?? await FindOtherPictureAsync(file, rendition, sample, isVideo, cancellationToken)
            ?? await FindDamageAsync(file, cancellationToken);
    }

    /// <summary>The same twice, one after the other.</summary>
    public static async Task MakeLongerAsync(string file, string output, CancellationToken cancellationToken)
    {
        var made = await RunAsync("ffmpeg", cancellationToken, "-nostdin", "-v", "error", "-y", "-stream_loop", "1", "-i", file, "-c", "copy", output);
        if (made.Code != 0) throw new IOException("ffmpeg could not make a longer clip of the sample.");
    }

    private static async Task<string?> FindMetadataAsync(string file, byte[] bytes, CancellationToken cancellationToken)
    {
        if (bytes.AsSpan().IndexOf("CANARY"u8) >= 0 || bytes.AsSpan().IndexOf("Exif\0\0"u8) >= 0 || bytes.AsSpan().IndexOf("<x:xmpmeta"u8) >= 0) return "carries metadata";
        if (await TryRunAsync("exiftool", cancellationToken, "-json", "-G1", "-a", "-EXIF:all", "-GPS:all", "-XMP:all", "-IPTC:all", "-UserData:all", "-ItemList:all", "-Keys:all", file) is not { } found) return null;
        using var tags = JsonDocument.Parse(found.Output.Length > 0 ? found.Output : "[{}]");
        // A muxer's own name is not about anybody.
        return tags.RootElement[0].EnumerateObject().FirstOrDefault(t => t.Name is not "SourceFile" && !t.Name.EndsWith(":Encoder", StringComparison.Ordinal)) is { Value.ValueKind: not JsonValueKind.Undefined } tag
            ? $"carries {tag.Name}"
            : null;
    }

    private static async Task<string?> FindOtherPictureAsync(string file, RenditionEntry rendition, Expected sample, bool isVideo, CancellationToken cancellationToken)
    {
        var probe = await RunAsync("ffprobe", cancellationToken, "-v", "error", "-show_entries", "stream=codec_type,width,height:format=duration", "-of", "json", file);
        if (probe.Code != 0) return "cannot be probed";
        using var facts = JsonDocument.Parse(probe.Output);
        var streams = facts.RootElement.GetProperty("streams").EnumerateArray().ToList();
        if (streams.Find(s => s.GetProperty("codec_type").GetString() == "video") is not { ValueKind: JsonValueKind.Object } picture) return "has no picture";
        var (width, height) = (picture.GetProperty("width").GetInt32(), picture.GetProperty("height").GetInt32());
        if ((width, height) != (rendition.Width, rendition.Height)) return $"is {width}×{height}";
        if (!isVideo) return null;

        if (streams.Exists(s => s.GetProperty("codec_type").GetString() == "audio") != sample.Audio) return sample.Audio ? "has lost its sound" : "has sound that it had not";
        var seconds = double.Parse(facts.RootElement.GetProperty("format").GetProperty("duration").GetString()!, CultureInfo.InvariantCulture);
        return sample.Seconds is { } length && Math.Abs(seconds - length) > SecondsOff ? $"lasts {seconds:0.0} s" : null;
    }

    private static async Task<string?> FindDamageAsync(string file, CancellationToken cancellationToken)
    {
        var decoded = await RunAsync("ffmpeg", cancellationToken, "-v", "error", "-i", file, "-f", "null", "-");
        return decoded is { Code: 0, Errors.Length: 0 } ? null : "does not play";
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(string program, CancellationToken cancellationToken, params string[] arguments) =>
        await TryRunAsync(program, cancellationToken, arguments) ?? throw new IOException($"{program} is needed to check what came, and is not installed.");

    private static async Task<(int Code, string Output, string Errors)?> TryRunAsync(string program, CancellationToken cancellationToken, params string[] arguments)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception)
        {
            return null;
        }
        using (process)
        {
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, output, await errors);
        }
    }
}
