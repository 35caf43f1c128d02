using NetVips;

namespace Stories.Bench;

/// <summary>100 phone photos from acceptance to live, beside libvips making the same renditions in this process on all cores.</summary>
internal static class PhotoBench
{
    private const int Count = 100;

    public static async Task RunAsync(string? file)
    {
        using var bench = await Bench.StartAsync();
        var photo = file ?? await MakeAsync(bench);
        var bytes = await File.ReadAllBytesAsync(photo);
        Cache.Max = 0;
        NetVips.NetVips.Concurrency = 1;
        Func<bool, Task>? next = null;
        async Task PrepareAsync() => next = await bench.PrepareAsync(Enumerable.Repeat(photo, Count));

        await PrepareAsync();
        var ways = new[]
        {
            new Way("100 photos, accepted to live", () => next!(true)),
            new Way("libvips, the same renditions", async () =>
            {
                await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, (_, _) =>
                {
                    RenderBare(bytes);
                    return ValueTask.CompletedTask;
                });
            }),
        };
        await Measure.CompareAsync("photo", 3, PrepareAsync, ways);
    }

    /// <summary>As its manual shows it, without checks, and trusting what it is given.</summary>
    private static void RenderBare(byte[] photo)
    {
        using var large = Image.ThumbnailBuffer(photo, 1080, height: 1920, size: Enums.Size.Down, outputProfile: "srgb").CopyMemory();
        using var small = large.ThumbnailImage(540, height: 960, size: Enums.Size.Down).CopyMemory();
        using var tiny = small.ThumbnailImage(32, height: 32);
        large.WebpsaveBuffer(q: 80, effort: 2, keep: Enums.ForeignKeep.None);
        small.WebpsaveBuffer(q: 80, effort: 2, keep: Enums.ForeignKeep.None);
        tiny.WebpsaveBuffer(q: 40, effort: 4, keep: Enums.ForeignKeep.None);
    }

    /// <summary>12 megapixels with some noise, as a phone has them.</summary>
    private static async Task<string> MakeAsync(Bench bench)
    {
        await Shell.RunAsync(bench.Folder, "ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=4032x3024:rate=1,noise=alls=12:all_seed=1", "-frames:v", "1", "-q:v", "4", "photo.jpg");
        return bench.File("photo.jpg");
    }
}
