namespace Stories.Bench;

/// <summary>15 s of 1080×1920 from acceptance to all sizes, or to the first that plays, beside one bare ffmpeg making the same sizes.</summary>
internal static class VideoBench
{
    private const string Encode = "-c:v libx264 -preset veryfast -crf 24 -profile:v main -force_key_frames expr:gte(t,n_forced*1) -sc_threshold 0 -c:a aac -b:a 96k -ac 2 -map 0:a:0 " +
        "-movflags +frag_keyframe+delay_moov+default_base_moof -f mp4";

    /// <summary>Stored lying and turned by its matrix, as phones record: it has to be encoded.</summary>
    public static Task RunAllSizesAsync() => RunAsync("video", "-vf transpose=2", "-metadata:s:v rotate=270", untilLive: false);

    /// <summary>The same pictures stored upright: every player takes it as it is.</summary>
    public static Task RunFirstPlayableAsync() => RunAsync("first-playable", "", "", untilLive: true);

    private static async Task RunAsync(string name, string filter, string turn, bool untilLive)
    {
        using var bench = await Bench.StartAsync();
        await ShellAsync(bench, $"ffmpeg -y -v error -f lavfi -i testsrc2=size=1080x1920:rate=30,noise=alls=8:all_seed=1 -f lavfi -i sine=frequency=440:sample_rate=48000 -t 15 {filter} " +
            "-c:v libx264 -preset veryfast -crf 28 -pix_fmt yuv420p -maxrate 8M -bufsize 8M -g 30 -c:a aac -b:a 96k -ac 2 plain.mp4");
        await ShellAsync(bench, $"ffmpeg -y -v error -i plain.mp4 -c copy {turn} video.mp4");
        Func<bool, Task>? next = null;
        async Task PrepareAsync() => next = await bench.PrepareAsync([bench.File("video.mp4")]);

        await PrepareAsync();
        await Measure.CompareAsync(name, 3, PrepareAsync,
            new Way(untilLive ? "accepted to first playable" : "accepted to all sizes", () => next!(untilLive)),
            new Way("ffmpeg, the same sizes", () => ShellAsync(bench,
                "ffmpeg -y -v error -i video.mp4 -filter_complex \"[0:v:0]split=3[a][b][c];[a]scale=720:1280[va];[b]scale=480:854[vb];[c]scale=720:1280[p]\" " +
                $"-map [va] {Encode} a.mp4 -map [vb] {Encode} b.mp4 -map [p] -frames:v 1 -c:v libwebp p.webp")));
    }

    private static Task ShellAsync(Bench bench, string command) => Shell.RunAsync(bench.Folder, "sh", "-c", command.Replace("expr:gte(t,n_forced*1)", "'expr:gte(t,n_forced*1)'"));
}
