using System.Globalization;
using System.Text;
using System.Text.Json;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>Asks ffprobe, in the sandbox, for a few named facts. Its answer is the file's text: bounded, and every number checked.</summary>
public sealed class VideoProbe(Sandbox sandbox, SandboxState state)
{
    private const int MaxAnswer = 1 << 20;

    /// <summary>A line for each packet: of ten minutes at 240 pictures a second 7 MB.</summary>
    private const int MaxPacketsAnswer = 8 << 20;

    /// <summary>More pictures a second than any film has are a clock's ticks.</summary>
    private const double Ticks = 1000;

    /// <summary>Where no rate is said, ffmpeg goes by these ticks one after the other when a picture goes on being shown; with more it does nothing else.</summary>
    private const double MostTicks = 1e6;

    private const string Entries =
        "format=duration,start_time:stream=index,codec_type,codec_name,profile,level,width,height,pix_fmt,avg_frame_rate,r_frame_rate,start_time,duration,sample_rate,channels," +
        "color_space,color_transfer,color_primaries,field_order,sample_aspect_ratio:stream_side_data=rotation,dv_profile:stream_disposition=default,attached_pic";

    /// <summary>AAC begins with up to 2,112 samples of silence, which is three packets; MP3 in MP4 with a few more.</summary>
    private const int MostPriming = 6;

    /// <summary>Average and smallest step say nearly the same.</summary>
    private const double SteadyTolerance = 0.01;

    /// <exception cref="MediaRefusedException">It is no video, damaged, or coded in what we do not open.</exception>
    public async Task<VideoFacts> ReadAsync(Scratch scratch, string file, MediaKind kind, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(scratch, file, kind, MaxAnswer, cancellationToken, "-show_entries", Entries, "-of", "json");
        try
        {
            using var json = JsonDocument.Parse(answer, new JsonDocumentOptions { MaxDepth = 8 });
            var bytes = new FileInfo(scratch.File(file)).Length;
            var answered = json.RootElement;
            // Recorders that stream leave no duration, and sometimes no rate: then the packets are counted. Of what does not begin at 0 some write the length, others the end.
            var counted = kind == MediaKind.Matroska && (!SaysHowLong(answered) || Begins(answered) > VideoFacts.Rounding.TotalSeconds) ? await CountAsync(scratch, file, kind, answered, cancellationToken) : null;
            return Facts(answered, bytes, counted, isSequence: kind == MediaKind.ImageSequence);
        }
        catch (JsonException)
        {
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
    }

    /// <summary>When pictures stand that can be decoded without the ones before, after the file's beginning.</summary>
    public async Task<IReadOnlyList<KeyFrame>> FindKeyFramesAsync(Scratch scratch, string file, MediaKind kind, VideoFacts facts, CancellationToken cancellationToken)
    {
        return [.. (await PacketsAsync(scratch, file, kind, cancellationToken, "-select_streams", $"{facts.Track}")).Where(packet => packet.IsKey)
            .Select(packet => new KeyFrame(After(packet.Shown), After(packet.Decoded)))];

        TimeSpan After(double seconds) => TimeSpan.FromSeconds(Math.Max(0, seconds - facts.Begins.TotalSeconds));
    }

    /// <summary>Marks what an edit list hides, which a copy of the streams would bring back.</summary>
    public async Task<VideoFacts> FindTrimAsync(Scratch scratch, string file, MediaKind kind, VideoFacts facts, CancellationToken cancellationToken)
    {
        if (kind != MediaKind.Mp4) return facts;
        var answer = await AskAsync(scratch, file, kind, MaxPacketsAnswer, cancellationToken, "-show_entries", "packet=stream_index,flags", "-of", "csv=p=0");
        var hidden = Encoding.Latin1.GetString(answer).Split('\n').Select(line => line.Split(',')).Where(packet => packet is [_, ['_' or 'K', 'D', ..], ..]).ToLookup(packet => packet[0]);
        return facts with
        {
            IsTrimmed = hidden[$"{facts.Track}"].Any(),
            Audio = facts.Audio is { } audio ? audio with { IsTrimmed = hidden[$"{audio.Track}"].Count() > MostPriming } : null,
        };
    }

    private async Task<Counted> CountAsync(Scratch scratch, string file, MediaKind kind, JsonElement answer, CancellationToken cancellationToken)
    {
        var tracks = Streams(answer).Where(s => Text(s, "codec_type") is "video" or "audio" && !Is(s, "attached_pic")).DistinctBy(s => Whole(s, "index")).ToDictionary(s => Whole(s, "index"));
        var byTrack = (await PacketsAsync(scratch, file, kind, cancellationToken)).Where(packet => tracks.ContainsKey(packet.Track)).ToLookup(packet => packet.Track);
        var rates = new Dictionary<int, double>();
        var (begin, end) = (double.MaxValue, 0.0);
        foreach (var packets in byTrack)
        {
            var (first, last) = (packets.MinBy(packet => packet.Shown), packets.MaxBy(packet => packet.Shown));
            var rate = last.Shown > first.Shown ? (packets.Count() - 1) / (last.Shown - first.Shown) : Rate(Text(tracks[packets.Key], "avg_frame_rate")) is < Ticks and var said ? said : 1;
            rates.Add(packets.Key, rate);
            begin = Math.Min(begin, first.Shown);
            end = Math.Max(end, last.Shown + (last.Lasts ?? 1 / rate));
        }
        return new Counted(end > begin ? end - begin : null, rates);
    }

    private async Task<List<Packet>> PacketsAsync(Scratch scratch, string file, MediaKind kind, CancellationToken cancellationToken, params string[] of)
    {
        var answer = await AskAsync(scratch, file, kind, MaxPacketsAnswer, cancellationToken, [.. of, "-show_entries", "packet=stream_index,pts_time,dts_time,duration_time,flags", "-of", "csv=p=0"]);
        var packets = new List<Packet>();
        foreach (var line in Encoding.Latin1.GetString(answer).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(',') is [var track, var shown, var decoded, var lasts, var flags, ..] && Number(track) is >= 0 and < 1e3 and var number && Number(shown) is >= 0 and < 1e6 and var seconds)
                packets.Add(new Packet((int)number, seconds, Math.Clamp(Number(decoded) ?? seconds, 0, seconds), Number(lasts) is > 0 and < 1e6 and var length ? length : null, flags.StartsWith('K')));
        }
        return packets;
    }

    private async Task<byte[]> AskAsync(Scratch scratch, string file, MediaKind kind, int most, CancellationToken cancellationToken, params string[] question)
    {
        var (exit, answer) = await sandbox.RunAsync("ffprobe", scratch, most, ["-v", "fatal", "-hide_banner", .. Guards.ForProbe(kind), .. question, file], cancellationToken);
        if (exit == 0) return answer;
        await state.ThrowIfFallenAsync("ffprobe", cancellationToken);
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
    /// <param name="counted">What was found by counting, when what the file says is not to be relied on.</param>
    /// <param name="isSequence">Of an image sequence, which counts its repetitions too, the track says how long it is.</param>
    internal static VideoFacts Facts(JsonElement answer, long bytes, Counted? counted = null, bool isSequence = false)
    {
        var streams = Streams(answer);
        var video = Chosen(streams.FindAll(s => Text(s, "codec_type") == "video" && !Is(s, "attached_pic")), VideoFacts.PictureCodecs);
        if (video.ValueKind == JsonValueKind.Undefined) throw new MediaRefusedException(MediaCodes.NoPicture);
        var audio = Chosen(streams.FindAll(s => Text(s, "codec_type") == "audio"), VideoFacts.SoundCodecs);
        // A track that goes on longer than the file says is what gets decoded.
        var duration = isSequence ? Seconds(video) : counted is null ? streams.Select(Seconds).Append(Whole(answer)).Max() : counted.Duration;
        var (width, height) = (Whole(video, "width"), Whole(video, "height"));
        // A codec of which we opened no decoder has no size; it is named and refused by name.
        var isKnown = width is >= 2 and < 1 << 20 && height is >= 2 and < 1 << 20;
        if (duration is not { } seconds || !isKnown && VideoFacts.PictureCodecs.Contains(Text(video, "codec_name"))) throw new MediaRefusedException(MediaCodes.Damaged);
        var (said, least) = (Rate(Text(video, "avg_frame_rate")), Rate(Text(video, "r_frame_rate")));
        var countedRate = counted is not null && !SaysHowLong(answer) && counted.Rates.TryGetValue(Whole(video, "index"), out var found) ? found : default(double?);
        if (least is > MostTicks and < double.PositiveInfinity) countedRate = null;
        var rate = countedRate ?? said;
        var begins = Begins(answer);
        return new VideoFacts(
            Whole(video, "index"), IsUnshowable(video) ? "dolby vision 5" : Text(video, "codec_name"), Text(video, "profile"), Whole(video, "level"), Text(video, "pix_fmt"), width, height, Rotation(video),
            PixelAspect(Text(video, "sample_aspect_ratio")),
            Text(video, "field_order") is "" or "progressive" or "unknown",
            Text(video, "color_transfer") switch { "arib-std-b67" => DynamicRange.Hlg, "smpte2084" => DynamicRange.Pq, _ => DynamicRange.Standard },
            Text(video, "color_primaries") switch { "bt2020" => Gamut.Bt2020, "smpte431" or "smpte432" => Gamut.DisplayP3, _ => Gamut.Standard },
            ColorsOf(video),
            rate, countedRate is null && Math.Abs(least - rate) <= rate * SteadyTolerance, TimeSpan.FromSeconds(seconds), streams.Count,
            audio.ValueKind == JsonValueKind.Undefined ? null : Audio(audio, video),
            bytes)
        {
            IsDistorted = Rotation(video) == 0 && SideData(video, "rotation") is not null,
            Begins = TimeSpan.FromSeconds(begins),
            LateBy = TimeSpan.FromSeconds(Math.Clamp((Number(Text(video, "start_time")) ?? 0) - begins, 0, 3600)),
        };
    }

    /// <summary>That it is red, green and blue says nothing of what it becomes.</summary>
    private static ColorTags ColorsOf(JsonElement video)
    {
        if (Text(video, "color_space") is "" or "unknown" or "reserved" or "gbr") return ColorTags.None;
        return Text(video, "color_primaries") is "" or "unknown" or "reserved" || Text(video, "color_transfer") is "" or "unknown" or "reserved" ? ColorTags.Matrix : ColorTags.All;
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
        (Whole(answer) ?? Streams(answer).Max(Seconds)) is not null && Streams(answer).Where(s => Text(s, "codec_type") == "video").All(s => Rate(Text(s, "avg_frame_rate")) < Ticks);

    private static double Begins(JsonElement answer) =>
        answer.TryGetProperty("format", out var format) && Number(Text(format, "start_time")) is > -1e6 and < 1e6 and var seconds ? seconds : 0;

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

    internal static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>Width of a pixel by its height; out of reason is taken for square.</summary>
    private static double PixelAspect(string text) => Ratio(text, ':') is { } aspect and >= 0.25 and <= 4 ? aspect : 1;

    private static double Rate(string text) => Ratio(text, '/') ?? double.PositiveInfinity;

    internal static double? Ratio(string text, char separator)
    {
        var parts = text.Split(separator);
        return parts.Length == 2 && Number(parts[0]) is { } over and > 0 && Number(parts[1]) is { } under and > 0 ? over / under : null;
    }

    /// <param name="Duration">From the first of all tracks to the end of the last, in seconds.</param>
    /// <param name="Rates">Packets a second, by track.</param>
    internal sealed record Counted(double? Duration, Dictionary<int, double> Rates);

    /// <param name="Lasts">Null when the file does not say it.</param>
    private readonly record struct Packet(int Track, double Shown, double Decoded, double? Lasts, bool IsKey);
}
