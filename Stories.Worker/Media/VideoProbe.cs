using System.Globalization;
using System.Text;
using System.Text.Json;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>Asks ffprobe, in the sandbox, for a few named facts. Its answer is the file's text: bounded, and every number checked.</summary>
public sealed class VideoProbe(Sandbox sandbox, SandboxState state)
{
    private const int MaxAnswer = 1 << 20;
    private const string Entries =
        "format=duration:stream=index,codec_type,codec_name,profile,level,width,height,pix_fmt,avg_frame_rate,r_frame_rate,start_time,duration,sample_rate,channels," +
        "color_space,color_transfer,color_primaries,field_order,sample_aspect_ratio:stream_side_data=rotation,dv_profile:stream_disposition=default,attached_pic";

    /// <summary>AAC begins with up to 2,112 samples of silence, which is three packets; MP3 in MP4 with a few more.</summary>
    private const int MostPriming = 6;

    /// <summary>Average and smallest step say nearly the same.</summary>
    private const double SteadyTolerance = 0.01;

    /// <exception cref="MediaRefusedException">It is no video, damaged, or coded in what we do not open.</exception>
    public async Task<VideoFacts> ReadAsync(Scratch scratch, string file, MediaKind kind, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(scratch, file, kind, cancellationToken, "-show_entries", Entries, "-of", "json");
        try
        {
            using var json = JsonDocument.Parse(answer, new JsonDocumentOptions { MaxDepth = 8 });
            var bytes = new FileInfo(scratch.File(file)).Length;
            // Recorders that stream leave no duration, and sometimes no rate: then the pictures are counted.
            var (duration, rate) = kind == MediaKind.Matroska && !SaysHowLong(json.RootElement) ? await CountAsync(scratch, file, kind, cancellationToken) : default;
            return Facts(json.RootElement, bytes, duration, rate);
        }
        catch (JsonException)
        {
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
    }

    /// <summary>When pictures stand that can be decoded without the ones before.</summary>
    public async Task<IReadOnlyList<KeyFrame>> FindKeyFramesAsync(Scratch scratch, string file, MediaKind kind, int track, CancellationToken cancellationToken) =>
        [.. (await PacketsAsync(scratch, file, kind, $"{track}", cancellationToken)).Where(packet => packet.IsKey)
            .Select(packet => new KeyFrame(TimeSpan.FromSeconds(packet.Shown), TimeSpan.FromSeconds(packet.Decoded)))];

    /// <summary>Marks what an edit list hides, which a copy of the streams would bring back.</summary>
    public async Task<VideoFacts> FindTrimAsync(Scratch scratch, string file, MediaKind kind, VideoFacts facts, CancellationToken cancellationToken)
    {
        if (kind != MediaKind.Mp4) return facts;
        var answer = await AskAsync(scratch, file, kind, cancellationToken, "-show_entries", "packet=stream_index,flags", "-of", "csv=p=0");
        var hidden = Encoding.Latin1.GetString(answer).Split('\n').Select(line => line.Split(',')).Where(packet => packet is [_, ['_' or 'K', 'D', ..], ..]).ToLookup(packet => packet[0]);
        return facts with
        {
            IsTrimmed = hidden[$"{facts.Track}"].Any(),
            Audio = facts.Audio is { } audio ? audio with { IsTrimmed = hidden[$"{audio.Track}"].Count() > MostPriming } : null,
        };
    }

    private async Task<(double? Duration, double? Rate)> CountAsync(Scratch scratch, string file, MediaKind kind, CancellationToken cancellationToken)
    {
        var times = (await PacketsAsync(scratch, file, kind, "v:0", cancellationToken)).ConvertAll(packet => packet.Shown);
        if (times.Count < 2) return (null, null);
        var between = times.Max() - times.Min();
        if (between is <= 0 or > 1e6) return (null, null);
        var rate = (times.Count - 1) / between;
        return (between + 1 / rate, rate);
    }

    private async Task<List<(double Shown, double Decoded, bool IsKey)>> PacketsAsync(Scratch scratch, string file, MediaKind kind, string track, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(scratch, file, kind, cancellationToken, "-select_streams", track, "-show_entries", "packet=pts_time,dts_time,flags", "-of", "csv=p=0");
        var packets = new List<(double, double, bool)>();
        foreach (var line in Encoding.Latin1.GetString(answer).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(',') is [var shown, var decoded, var flags, ..] && Number(shown) is >= 0 and < 1e6 and var seconds)
                packets.Add((seconds, Math.Clamp(Number(decoded) ?? seconds, 0, seconds), flags.StartsWith('K')));
        }
        return packets;
    }

    private async Task<byte[]> AskAsync(Scratch scratch, string file, MediaKind kind, CancellationToken cancellationToken, params string[] question)
    {
        var (exit, answer) = await sandbox.RunAsync("ffprobe", scratch, MaxAnswer, ["-v", "fatal", "-hide_banner", .. Guards.ForProbe(kind), .. question, file], cancellationToken);
        if (exit == 0) return answer;
        await state.ThrowIfFallenAsync(cancellationToken);
        throw new MediaRefusedException(await FindRefusedCodecAsync(scratch.File(file), kind, cancellationToken) ?? MediaCodes.Damaged);
    }

    /// <summary>ffprobe fails on a decoder that it may not open, and does not say for which.</summary>
    private static async Task<string?> FindRefusedCodecAsync(string path, MediaKind kind, CancellationToken cancellationToken)
    {
        await using var stream = File.OpenRead(path);
        var tracks = kind == MediaKind.Matroska ? await MatroskaTracks.ReadAsync(stream, cancellationToken) : await Mp4Boxes.TracksAsync(stream, cancellationToken);
        return tracks.FirstOrDefault(track => !track.IsTaken) switch
        {
            { IsPicture: true } => MediaCodes.PictureCodecRefused,
            { IsPicture: false } => MediaCodes.SoundCodecRefused,
            null => null,
        };
    }

    /// <param name="answer">ffprobe's.</param>
    /// <param name="bytes">Of the file.</param>
    /// <param name="counted">Its length in seconds, when the file does not say it.</param>
    /// <param name="countedRate">Its pictures a second, when they had to be counted.</param>
    internal static VideoFacts Facts(JsonElement answer, long bytes, double? counted = null, double? countedRate = null)
    {
        var streams = Streams(answer);
        var video = Chosen(streams.FindAll(s => Text(s, "codec_type") == "video" && !Is(s, "attached_pic")), VideoFacts.PictureCodecs);
        if (video.ValueKind == JsonValueKind.Undefined) throw new MediaRefusedException(MediaCodes.NoPicture);
        var audio = Chosen(streams.FindAll(s => Text(s, "codec_type") == "audio"), VideoFacts.SoundCodecs);
        // A track that goes on longer than the file says is what gets decoded.
        var duration = streams.Select(Seconds).Append(Whole(answer)).Append(counted).Max();
        var (width, height) = (Whole(video, "width"), Whole(video, "height"));
        // A codec of which we opened no decoder has no size; it is named and refused by name.
        var isKnown = width is >= 2 and < 1 << 20 && height is >= 2 and < 1 << 20;
        if (duration is not { } seconds || !isKnown && VideoFacts.PictureCodecs.Contains(Text(video, "codec_name"))) throw new MediaRefusedException(MediaCodes.Damaged);
        var rate = countedRate ?? Rate(Text(video, "avg_frame_rate"));
        return new VideoFacts(
            Whole(video, "index"), IsUnshowable(video) ? "dolby vision 5" : Text(video, "codec_name"), Text(video, "profile"), Whole(video, "level"), Text(video, "pix_fmt"), width, height, Rotation(video),
            PixelAspect(Text(video, "sample_aspect_ratio")),
            Text(video, "field_order") is "" or "progressive" or "unknown",
            Text(video, "color_transfer") switch { "arib-std-b67" => DynamicRange.Hlg, "smpte2084" => DynamicRange.Pq, _ => DynamicRange.Standard },
            Text(video, "color_primaries") switch { "bt2020" => Gamut.Bt2020, "smpte431" or "smpte432" => Gamut.DisplayP3, _ => Gamut.Standard },
            Text(video, "color_space") is not ("" or "unknown" or "reserved"),
            rate, countedRate is null && Math.Abs(Rate(Text(video, "r_frame_rate")) - rate) <= rate * SteadyTolerance, TimeSpan.FromSeconds(seconds), streams.Count,
            audio.ValueKind == JsonValueKind.Undefined ? null : Audio(audio, video),
            bytes);
    }

    private static AudioFacts Audio(JsonElement audio, JsonElement video)
    {
        var late = (Number(Text(audio, "start_time")) ?? 0) - (Number(Text(video, "start_time")) ?? 0);
        return new AudioFacts(
            Whole(audio, "index"), Text(audio, "codec_name"), Text(audio, "profile"),
            (int)(Number(Text(audio, "sample_rate")) is { } rate and > 0 and < 1e6 ? rate : 0), Whole(audio, "channels"),
            TimeSpan.FromSeconds(Math.Clamp(late, 0, 3600)));
    }

    private static List<JsonElement> Streams(JsonElement answer) =>
        answer.TryGetProperty("streams", out var list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()] : [];

    private static bool SaysHowLong(JsonElement answer) =>
        (Whole(answer) ?? Streams(answer).Max(Seconds)) is not null && Streams(answer).Where(s => Text(s, "codec_type") == "video").All(s => Rate(Text(s, "avg_frame_rate")) < 1000);

    private static double? Whole(JsonElement answer) => answer.TryGetProperty("format", out var format) ? Seconds(format) : null;

    /// <summary>The one that the file shows by default, of those that we take; else of the others, to be refused by name.</summary>
    private static JsonElement Chosen(List<JsonElement> tracks, IReadOnlyList<string> taken)
    {
        var ours = tracks.FindAll(track => taken.Contains(Text(track, "codec_name")));
        if (ours.Count > 0) tracks = ours;
        return tracks.Exists(IsDefault) ? tracks.Find(IsDefault) : tracks.FirstOrDefault();
    }

    private static bool IsDefault(JsonElement stream) => Is(stream, "default");

    private static bool Is(JsonElement stream, string disposition) =>
        stream.ValueKind == JsonValueKind.Object && stream.TryGetProperty("disposition", out var dispositions) && Whole(dispositions, disposition) == 1;

    /// <summary>Dolby Vision's profile 5 has colours of its own and no picture for anybody else.</summary>
    private static bool IsUnshowable(JsonElement video) => SideData(video, "dv_profile") == 5;

    // ffprobe counts counterclockwise.
    private static int Rotation(JsonElement video) =>
        SideData(video, "rotation") is { } degrees ? (int)Math.Round((((-degrees % 360) + 360) % 360) / 90.0) % 4 * 90 : 0;

    private static int? SideData(JsonElement video, string name)
    {
        if (!video.TryGetProperty("side_data_list", out var list) || list.ValueKind != JsonValueKind.Array) return null;
        foreach (var data in list.EnumerateArray())
        {
            if (data.ValueKind == JsonValueKind.Object && data.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number))
                return number;
        }
        return null;
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
