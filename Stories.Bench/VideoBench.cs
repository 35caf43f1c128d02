using System.Globalization;
using Stories.Protocol;

namespace Stories.Bench;

/// <summary>
/// A video from acceptance to all sizes, or to the first that plays, beside one bare ffmpeg making the same sizes. Without a file
/// of one's own it is 15 s of 1080×1920.
/// </summary>
internal static class VideoBench
{
    private const string Encode = "-c:v libx264 -preset veryfast -crf 24 -profile:v main -force_key_frames 'expr:gte(t,n_forced*1)' -sc_threshold 0 -map 0:a:0? -c:a aac -aac_coder fast -b:a 96k -ac 2 " +
        "-movflags +frag_keyframe+delay_moov+default_base_moof -f mp4";

    /// <summary>Stored lying and turned by its matrix, as phones record: it has to be encoded.</summary>
    public static Task RunAllSizesAsync(IReadOnlyList<string> files) => RunAsync("video", files, "-vf transpose=2", "-metadata:s:v rotate=270", untilLive: false);

    /// <summary>The same pictures stored upright: every player takes it as it is.</summary>
    public static Task RunFirstPlayableAsync(IReadOnlyList<string> files) => RunAsync("first-playable", files, "", "", untilLive: true);

    private static async Task RunAsync(string name, IReadOnlyList<string> files, string filter, string turn, bool untilLive)
    {
        using var bench = await Bench.StartAsync();
        await Measure.EachAsync(name, files.Count > 0 ? files : [await MakeAsync(bench, filter, turn)], (each, video) => CompareAsync(bench, each, video, untilLive));
    }

    private static async Task<double> CompareAsync(Bench bench, string name, string video, bool untilLive)
    {
        BenchRound? next = null;
        async Task PrepareAsync() => next = await bench.PrepareAsync([video]);

        await PrepareAsync();
        await next!.RunAsync(untilLive: false);
        var command = Command(video, await bench.RenditionsAsync(next.Stories[0]), untilLive);
        await PrepareAsync();
        return await Measure.CompareAsync(name, 3, PrepareAsync,
            new Way(untilLive ? "accepted to first playable" : "accepted to all sizes", () => next!.RunAsync(untilLive)),
            new Way("ffmpeg, the same sizes", () => ShellAsync(bench, command)));
    }

    /// <param name="video">What to read.</param>
    /// <param name="entries">What became of it.</param>
    /// <param name="encodesAll">The source's own size too, which we keep as it is and others encode like the rest.</param>
    private static string Command(string video, IReadOnlyList<RenditionEntry> entries, bool encodesAll)
    {
        var isCopied = !encodesAll && entries.Any(e => e.Name == "video-source");
        var encoded = entries.Where(e => e.MediaType == "video/mp4" && (encodesAll || e.Name != "video-source")).ToList();
        var poster = entries.First(e => e.Name == "poster");
        var scales = encoded.Select((e, i) => $"[s{i}]scale={e.Width}:{e.Height}[v{i}]").Append(string.Create(CultureInfo.InvariantCulture, $"[s{encoded.Count}]scale={poster.Width}:{poster.Height}[p]"));
        return $"ffmpeg -y -v error -i '{video}' -filter_complex \"[0:v:0]split={encoded.Count + 1}{string.Concat(Enumerable.Range(0, encoded.Count + 1).Select(i => $"[s{i}]"))};{string.Join(';', scales)}\" " +
            string.Join(' ', encoded.Select((e, i) => $"-map [v{i}] {Encode} {e.Name}.mp4")) + " -map [p] -frames:v 1 -c:v libwebp p.webp" + (isCopied ? " -map 0 -c copy -movflags +frag_keyframe+delay_moov+default_base_moof copy.mp4" : "");
    }

    private static async Task<string> MakeAsync(Bench bench, string filter, string turn)
    {
        await ShellAsync(bench, $"ffmpeg -y -v error -f lavfi -i testsrc2=size=1080x1920:rate=30,noise=alls=8:all_seed=1 -f lavfi -i sine=frequency=440:sample_rate=48000 -t 15 {filter} " +
            "-c:v libx264 -preset veryfast -crf 28 -pix_fmt yuv420p -maxrate 8M -bufsize 8M -g 30 -c:a aac -b:a 96k -ac 2 plain.mp4");
        await ShellAsync(bench, $"ffmpeg -y -v error -i plain.mp4 -c copy {turn} video.mp4");
        return bench.File("video.mp4");
    }

    private static Task<string> ShellAsync(Bench bench, string command) => Shell.RunAsync(bench.Folder, "sh", "-c", command);
}
