using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Stories.Client;
using Stories.Protocol;

namespace Stories.Bench;

/// <summary>
/// What the hosts hold in memory: the Api while 100 uploads of 8 MiB come in at once, the Worker and its children over many photos
/// and videos. The result compares the last tenth with the second: 1 is flat.
/// </summary>
internal static class MemoryBench
{
    private const int Uploads = 100;
    private const int AtOnce = 20;
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    /// <param name="photos">How many; a multiple of 20.</param>
    /// <param name="videos">How many; a multiple of 20.</param>
    /// <param name="folder">Where the curve goes, as a picture; null for no picture.</param>
    public static async Task RunAsync(int photos, int videos, string? folder)
    {
        using var bench = await Bench.StartAsync();
        var api = Family("Stories.Api.dll").Single();
        Console.WriteLine($"Api at rest: {Resident([api])} MB");
        var (most, _) = await WatchAsync(() => [api], () => UploadAsync(bench));
        Console.WriteLine($"Api at most, {Uploads} uploads of 8 MiB at once: {most} MB");

        var worker = Family("Stories.Worker.dll").Single();
        var (_, ofPhotos) = await WatchAsync(() => WithChildren(worker), () => PostAsync(bench, Repository.Path("media-samples/photo-portrait-exif.jpg"), photos));
        var (_, ofVideos) = await WatchAsync(() => WithChildren(worker), () => PostAsync(bench, Repository.Path("media-samples/video-mpeg4.mp4"), videos));
        Console.WriteLine($"Worker with children, {photos} photos: {Describe(ofPhotos)}");
        Console.WriteLine($"Worker with children, {videos} videos: {Describe(ofVideos)}");
        if (folder is not null) await File.WriteAllTextAsync(Path.Combine(folder, "worker-memory.svg"), Draw(photos, ofPhotos, videos, ofVideos));
        Console.WriteLine($"RESULT memory {Early(ofPhotos) / Late(ofPhotos):0.00}");
    }

    private static async Task UploadAsync(Bench bench)
    {
        var bytes = RandomNumberGenerator.GetBytes(8 << 20);
        var key = StoriesJson.ReadCanonical<ProcessingKeyEntry>((await bench.User.Client.ListKeysAsync()).ProcessingKeys[0].Bytes)!.Id;
        await Task.WhenAll(Enumerable.Range(0, Uploads).Select(_ => bench.User.Client.UploadAsync(new MemoryStream(bytes, writable: false), Lane.Video, Level.Processed, key)));
    }

    private static async Task PostAsync(Bench bench, string file, int count)
    {
        for (var posted = 0; posted < count; posted += AtOnce)
        {
            var round = await bench.PrepareAsync(Enumerable.Repeat(file, AtOnce));
            await round.RunAsync(untilLive: true);
            foreach (var story in round.Stories) await bench.User.Client.WithdrawAsync(story);
        }
    }

    private static async Task<(int Most, List<int> Curve)> WatchAsync(Func<IReadOnlyList<int>> processes, Func<Task> work)
    {
        var curve = new List<int>();
        for (var running = work(); !running.IsCompleted; await Task.WhenAny(running, Task.Delay(Beat, TimeProvider.System, CancellationToken.None)))
        {
            curve.Add(Resident(processes()));
            if (running.IsFaulted) await running;
        }
        return (curve.Max(), curve);
    }

    private static double Early(List<int> curve) => curve.Skip(curve.Count / 10).Take(Math.Max(1, curve.Count / 10)).Average();

    private static double Late(List<int> curve) => curve.TakeLast(Math.Max(1, curve.Count / 10)).Average();

    private static string Describe(List<int> curve) => $"{Early(curve):0} MB early, {Late(curve):0} MB at the end, {curve.Max()} MB at most, over {curve.Count} s";

    private static List<int> Family(string program) =>
        [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
            .Where(id => Read(id, "cmdline").Contains($"{program}\0--urls\0", StringComparison.Ordinal) && Read(id, "environ").Contains(Bench.Configuration["Blobs:ConnectionString"]!, StringComparison.Ordinal))];

    private static IReadOnlyList<int> WithChildren(int process) =>
        [process, .. Read(process, $"task/{process}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Concat(Threads(process)).Distinct().SelectMany(child => WithChildren(int.Parse(child, CultureInfo.InvariantCulture)))];

    /// <summary>A child hangs below the thread that started it.</summary>
    private static IEnumerable<string> Threads(int process)
    {
        try
        {
            return [.. Directory.EnumerateDirectories($"/proc/{process}/task").SelectMany(thread => Read(process, $"task/{Path.GetFileName(thread)}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))];
        }
        catch (IOException)
        {
            return [];
        }
    }

    /// <summary>Megabytes; what several share is counted once for each, so it is rather too much than too little.</summary>
    private static int Resident(IReadOnlyList<int> processes) =>
        processes.Sum(id => Read(id, "status").Split('\n').FirstOrDefault(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)) is { } line
            ? int.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024
            : 0);

    private static string Read(int process, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/{file}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has just ended, or is nobody's business.
            return "";
        }
    }

    private static string Draw(int photos, List<int> ofPhotos, int videos, List<int> ofVideos)
    {
        const int width = 640, height = 200;
        var most = Math.Max(ofPhotos.Max(), ofVideos.Max()) * 1.1;
        var picture = new StringBuilder(string.Create(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width + 60} {height + 40}\" font-family=\"sans-serif\" font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"));
        foreach (var level in new[] { 0, 0.5, 1 })
        {
            var y = 10 + height * (1 - level / 1.1);
            picture.Append(CultureInfo.InvariantCulture, $"<path d=\"M50 {y:0}h{width}\" stroke=\"#ddd\"/><text x=\"45\" y=\"{y + 4:0}\" text-anchor=\"end\">{most / 1.1 * level:0} MB</text>");
        }
        foreach (var (name, curve, color, at) in new[] { ($"{photos} photos", ofPhotos, "#06c", 200), ($"{videos} videos", ofVideos, "#c60", 400) })
        {
            var step = Math.Max(1, curve.Count / 300);
            var points = Enumerable.Range(0, curve.Count / step).Select(i => string.Create(CultureInfo.InvariantCulture,
                $"{50 + (double)width * i * step / curve.Count:0.0},{10 + height * (1 - curve.Skip(i * step).Take(step).Max() / most):0.0}"));
            picture.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{color}\" points=\"{string.Join(' ', points)}\"/><text x=\"{at}\" y=\"{height + 30}\" fill=\"{color}\">{name}, {curve.Count} s</text>");
        }
        return picture.Append("</svg>\n").ToString();
    }
}
