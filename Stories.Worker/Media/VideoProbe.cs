using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>Asks ffprobe, in the sandbox, for a few named facts. Its answer is the file's text: bounded, and every number checked.</summary>
public sealed class VideoProbe(Sandbox sandbox, SandboxState state, IOptions<MediaOptions> options)
{
    private const int MaxAnswer = 1 << 20;
    private const string Entries =
        "format=duration:stream=codec_type,codec_name,profile,level,width,height,pix_fmt,avg_frame_rate,duration,sample_rate,channels,color_transfer,field_order,sample_aspect_ratio" +
        ":stream_side_data=rotation:stream_disposition=attached_pic";

    /// <summary>As MP4 names them.</summary>
    private static readonly string[] Ours = ["avc1", "avc3", "mp4a", "mp4a.40", "mp4a.66", "mp4a.67", "mp4a.68"];

    /// <summary>Forced on every call: what may be opened, however the file describes itself, and how much memory a frame may take.</summary>
    public static readonly string[] Guards = Guarded("h264,aac");

    /// <summary>ffprobe fails if it may not open one track's decoder; subtitles and covers are left behind, not refused.</summary>
    private static readonly string[] ProbeGuards = Guarded("h264,aac,mov_text,mjpeg,png");

    public async Task<VideoFacts> ReadAsync(Scratch scratch, string file, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(scratch, file, cancellationToken);
        if (answer is null)
        {
            await state.ThrowIfFallenAsync(cancellationToken);
            await using var stream = File.OpenRead(scratch.File(file));
            var codecs = await Mp4Boxes.CodecsAsync(stream, cancellationToken);
            throw new MediaRefusedException(codecs.All(Ours.Contains) ? MediaCodes.Damaged : MediaCodes.CodecRefused);
        }
        try
        {
            using var json = JsonDocument.Parse(answer, new JsonDocumentOptions { MaxDepth = 8 });
            return Facts(json.RootElement, new FileInfo(scratch.File(file)).Length);
        }
        catch (JsonException)
        {
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
    }

    private static string[] Guarded(string codecs) =>
        ["-protocol_whitelist", "file", "-format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2", "-codec_whitelist", codecs, "-max_alloc", "268435456", "-f", "mov"];

    /// <returns>Null when ffprobe failed.</returns>
    private async Task<byte[]?> AskAsync(Scratch scratch, string file, CancellationToken cancellationToken)
    {
        using var probe = sandbox.Start("ffprobe", scratch.Folder, ["-v", "fatal", "-hide_banner", .. ProbeGuards, "-show_entries", Entries, "-of", "json", file]);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.WallClock);
        try
        {
            var errors = probe.StandardError.BaseStream.CopyToAsync(Stream.Null, patience.Token);
            var answer = new byte[MaxAnswer];
            var length = await probe.StandardOutput.BaseStream.ReadAtLeastAsync(answer, MaxAnswer, throwOnEndOfStream: false, patience.Token);
            if (length == MaxAnswer) throw new MediaRefusedException(MediaCodes.Limit);
            await errors;
            await probe.WaitForExitAsync(patience.Token);
            return probe.ExitCode == 0 ? answer[..length] : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MediaRefusedException(MediaCodes.Limit);
        }
        finally
        {
            Sandbox.Kill(probe);
        }
    }

    internal static VideoFacts Facts(JsonElement answer, long bytes)
    {
        var streams = answer.TryGetProperty("streams", out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().ToList() : [];
        var video = streams.Find(s => Text(s, "codec_type") == "video" && !IsAttachedPicture(s));
        if (video.ValueKind == JsonValueKind.Undefined) throw new MediaRefusedException(MediaCodes.NoPicture);
        var audio = streams.Find(s => Text(s, "codec_type") == "audio");
        var whole = answer.TryGetProperty("format", out var format) ? Seconds(format) : null;
        // A track that goes on longer than the file says is what gets decoded.
        var duration = streams.Select(Seconds).Append(whole).Max();
        var (width, height) = (Whole(video, "width"), Whole(video, "height"));
        // A codec of which we opened no decoder has no size; it is named and refused by name.
        var isKnown = width is >= 2 and < 1 << 20 && height is >= 2 and < 1 << 20;
        if (duration is not { } seconds || !isKnown && Text(video, "codec_name") == "h264") throw new MediaRefusedException(MediaCodes.Damaged);
        return new VideoFacts(
            Text(video, "codec_name"), Text(video, "profile"), Whole(video, "level"), Text(video, "pix_fmt"), width, height, Rotation(video),
            PixelAspect(Text(video, "sample_aspect_ratio")),
            Text(video, "field_order") is "" or "progressive" or "unknown",
            Text(video, "color_transfer") is "smpte2084" or "arib-std-b67",
            Rate(Text(video, "avg_frame_rate")), TimeSpan.FromSeconds(seconds), streams.Count,
            audio.ValueKind == JsonValueKind.Undefined
                ? null
                : new AudioFacts(Text(audio, "codec_name"), Text(audio, "profile"), (int)(Number(Text(audio, "sample_rate")) is { } rate and > 0 and < 1e6 ? rate : 0), Whole(audio, "channels")),
            bytes);
    }

    private static bool IsAttachedPicture(JsonElement stream) =>
        stream.TryGetProperty("disposition", out var disposition) && Whole(disposition, "attached_pic") == 1;

    private static int Rotation(JsonElement video)
    {
        if (!video.TryGetProperty("side_data_list", out var list) || list.ValueKind != JsonValueKind.Array) return 0;
        foreach (var data in list.EnumerateArray())
        {
            // ffprobe counts counterclockwise.
            if (data.TryGetProperty("rotation", out var rotation) && rotation.ValueKind == JsonValueKind.Number && rotation.TryGetInt32(out var degrees))
                return (int)Math.Round((((-degrees % 360) + 360) % 360) / 90.0) % 4 * 90;
        }
        return 0;
    }

    /// <summary>Days, nothing and less than nothing are a lie.</summary>
    private static double? Seconds(JsonElement part) => Number(Text(part, "duration")) is { } seconds and > 0 and < 1e6 ? seconds : null;

    private static string Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static int Whole(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : 0;

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>Width of a pixel by its height; out of reason is taken for square.</summary>
    private static double PixelAspect(string text) => Ratio(text, ':') is { } aspect and >= 0.25 and <= 4 ? aspect : 1;

    private static double Rate(string text) => Ratio(text, '/') ?? double.PositiveInfinity;

    private static double? Ratio(string text, char separator)
    {
        var parts = text.Split(separator);
        return parts.Length == 2 && Number(parts[0]) is { } over and > 0 && Number(parts[1]) is { } under and > 0 ? over / under : null;
    }
}
