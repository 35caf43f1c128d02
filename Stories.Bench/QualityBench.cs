using System.Globalization;

namespace Stories.Bench;

/// <summary>
/// What presets cost and give: each size of a clip by itself, as we encode it, beside a bare <c>-preset veryfast -crf 23</c>. SSIM is
/// against the source scaled without loss to the same size.
/// </summary>
internal static class QualityBench
{
    private const string Ours = "-profile:v main -force_key_frames 'expr:gte(t,n_forced*1)' -sc_threshold 0";
    private static readonly string[] Presets = ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"];
    private static readonly int[] Rates = [22, 24, 26];
    private static readonly int[] Sides = [1080, 720, 480, 240];

    public static Task RunAsync(IReadOnlyList<string> clips) => Measure.EachAsync("quality", clips, CompareAsync);

    private static async Task<double> CompareAsync(string name, string clip)
    {
        var folder = Directory.CreateDirectory($"/dev/shm/stories-bench-{Environment.ProcessId}").FullName;
        try
        {
            var size = (await OutputAsync(folder, $"ffprobe -v error -select_streams v -show_entries stream=width,height -of csv=p=0 '{clip}'")).Split(',');
            var (width, height) = (int.Parse(size[0], CultureInfo.InvariantCulture), int.Parse(size[1], CultureInfo.InvariantCulture));
            var ratio = 0.0;
            Console.WriteLine($"{"size",-6} {"encoder",-28} {"processor s",12} {"kB",8} {"SSIM",8}");
            foreach (var side in Sides.Where(s => s <= Math.Min(width, height)))
            {
                var scale = width > height ? $"scale=-2:{side}:flags=bicubic" : $"scale={side}:-2:flags=bicubic";
                await OutputAsync(folder, $"ffmpeg -y -v error -i '{clip}' -an -vf {scale} -c:v ffv1 scaled.nut");
                var bare = await TryAsync(folder, "-preset veryfast -crf 23");
                Print(side, "bare veryfast, crf 23", bare);
                foreach (var (preset, rate) in Presets.SelectMany(preset => Rates.Select(rate => (preset, rate))).Where(way => way.rate == 24 || way.preset == "veryfast"))
                {
                    var seen = await TryAsync(folder, $"-preset {preset} -crf {rate} {Ours}");
                    Print(side, $"{preset}, crf {rate}", seen);
                    if (preset == "veryfast" && rate == 24) ratio = bare.Bytes / (double)seen.Bytes;
                }
            }
            Console.WriteLine($"RESULT {name} {ratio:0.00}");
            return ratio;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Print(int side, string way, (double Seconds, long Bytes, double Likeness) seen) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{side,-6} {way,-28} {seen.Seconds,12:0.00} {seen.Bytes / 1000,8} {seen.Likeness,8:0.0000}"));

    private static async Task<(double Seconds, long Bytes, double Likeness)> TryAsync(string folder, string options)
    {
        // The shell's own children: what the encoder alone used, however busy the machine is.
        var times = await OutputAsync(folder, $"ffmpeg -y -v error -i scaled.nut -c:v libx264 -pix_fmt yuv420p {options} try.mp4; times");
        var used = times.Split('\n')[^1].Split(' ').Sum(Seconds);
        var said = await OutputAsync(folder, "ffmpeg -v info -nostats -i try.mp4 -i scaled.nut -lavfi ssim -f null - 2>&1 | sed -n 's/.*All:\\([0-9.]*\\).*/\\1/p'");
        return (used, new FileInfo(Path.Combine(folder, "try.mp4")).Length, double.Parse(said, CultureInfo.InvariantCulture));
    }

    /// <summary>As a shell writes it: 0m1.230s.</summary>
    private static double Seconds(string text) =>
        text.TrimEnd('s').Split('m') is [var minutes, var seconds] ? int.Parse(minutes, CultureInfo.InvariantCulture) * 60 + double.Parse(seconds, CultureInfo.InvariantCulture) : 0;

    private static Task<string> OutputAsync(string folder, string command) => Shell.RunAsync(folder, "bash", "-c", command);
}
