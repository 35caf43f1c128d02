using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>Asks ffprobe, in the sandbox, for a few named facts. Its answer is the file's text: bounded, and every number checked.</summary>
public sealed class VideoProbe(Sandbox sandbox, IOptions<MediaOptions> options)
{
    private const int MaxAnswer = 1 << 20;
    private const string Entries =
        "format=duration:stream=codec_type,codec_name,profile,level,width,height,pix_fmt,avg_frame_rate,sample_rate,channels,color_transfer,field_order,sample_aspect_ratio" +
        ":stream_side_data=rotation:stream_disposition=attached_pic";

    /// <summary>Forced on every call: what may be opened, however the file describes itself.</summary>
    public static readonly string[] Guards = ["-protocol_whitelist", "file", "-format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2", "-codec_whitelist", "h264,aac", "-f", "mov"];

    public async Task<VideoFacts> ReadAsync(Scratch scratch, string file, CancellationToken cancellationToken)
    {
        using var probe = sandbox.Start("ffprobe", scratch.Folder,
            ["-v", "error", "-hide_banner", .. Guards, "-max_streams", "64", "-show_entries", Entries, "-of", "json", file]);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.WallClock);
        try
        {
            var errors = probe.StandardError.BaseStream.CopyToAsync(Stream.Null, patience.Token);
            var answer = await ReadBoundedAsync(probe.StandardOutput.BaseStream, patience.Token);
            await errors;
            await probe.WaitForExitAsync(patience.Token);
            if (probe.ExitCode != 0) throw new MediaRefusedException(MediaCodes.Damaged);
            using var json = JsonDocument.Parse(answer, new JsonDocumentOptions { MaxDepth = 8 });
            return Facts(json.RootElement, new FileInfo(scratch.File(file)).Length);
        }
        catch (JsonException)
        {
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MediaRefusedException(MediaCodes.Limit);
        }
        finally
        {
            if (!probe.HasExited) probe.Kill();
        }
    }

    internal static VideoFacts Facts(JsonElement answer, long bytes)
    {
        var streams = answer.TryGetProperty("streams", out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().ToList() : [];
        var video = streams.Find(s => Text(s, "codec_type") == "video" && !IsAttachedPicture(s));
        if (video.ValueKind == JsonValueKind.Undefined) throw new MediaRefusedException(MediaCodes.NoPicture);
        var audio = streams.Find(s => Text(s, "codec_type") == "audio");
        var duration = answer.TryGetProperty("format", out var format) ? Number(Text(format, "duration")) : null;
        var (width, height) = (Whole(video, "width"), Whole(video, "height"));
        // A fifth of a second over the limit is a container's rounding, days or nothing are a lie.
        if (duration is not ({ } seconds and > 0 and < 1e6) || width is < 2 or > 1 << 20 || height is < 2 or > 1 << 20) throw new MediaRefusedException(MediaCodes.Damaged);
        return new VideoFacts(
            Text(video, "codec_name"), Text(video, "profile"), Whole(video, "level"), Text(video, "pix_fmt"), width, height, Rotation(video),
            Text(video, "sample_aspect_ratio") is "" or "1:1" or "0:1" or "N/A",
            Text(video, "field_order") is "" or "progressive" or "unknown",
            Text(video, "color_transfer") is "smpte2084" or "arib-std-b67",
            Rate(Text(video, "avg_frame_rate")), TimeSpan.FromSeconds(seconds), streams.Count,
            audio.ValueKind == JsonValueKind.Undefined
                ? null
                : new AudioFacts(Text(audio, "codec_name"), Text(audio, "profile"), (int)(Number(Text(audio, "sample_rate")) ?? 0), Whole(audio, "channels")),
            bytes);
    }

    private static async Task<byte[]> ReadBoundedAsync(Stream stream, CancellationToken cancellationToken)
    {
        var answer = new byte[MaxAnswer];
        var length = await stream.ReadAtLeastAsync(answer, MaxAnswer, throwOnEndOfStream: false, cancellationToken);
        return length < MaxAnswer ? answer[..length] : throw new MediaRefusedException(MediaCodes.Limit);
    }

    private static bool IsAttachedPicture(JsonElement stream) =>
        stream.TryGetProperty("disposition", out var disposition) && Whole(disposition, "attached_pic") == 1;

    private static int Rotation(JsonElement video)
    {
        if (!video.TryGetProperty("side_data_list", out var list) || list.ValueKind != JsonValueKind.Array) return 0;
        foreach (var data in list.EnumerateArray())
        {
            // ffprobe counts counterclockwise.
            if (data.TryGetProperty("rotation", out var rotation) && rotation.TryGetInt32(out var degrees))
                return (int)Math.Round((((-degrees % 360) + 360) % 360) / 90.0) % 4 * 90;
        }
        return 0;
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static int Whole(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : 0;

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    private static double Rate(string text)
    {
        var parts = text.Split('/');
        return parts.Length == 2 && Number(parts[0]) is { } over && Number(parts[1]) is { } under and > 0 && over > 0 ? over / under : double.PositiveInfinity;
    }
}
