using NetVips;

namespace Stories.Bench;

/// <summary>
/// 100 phone photos from acceptance to live, beside libvips making the same renditions in this process on all cores; 20 of HEIC, by
/// way of Debian's heif-convert as with us.
/// </summary>
internal static class PhotoBench
{
    public static Task RunAsync(IReadOnlyList<string> files) => RunAsync("photo", 100, files, (bench, photo) => Task.FromResult(photo), RenderAsync);

    public static Task RunHeicAsync(IReadOnlyList<string> files) => RunAsync("photo-heic", 20, files, async (bench, photo) =>
    {
        await Shell.RunAsync(bench.Folder, "heif-enc", "-q", "70", photo, "-o", "photo.heic");
        return bench.File("photo.heic");
    }, async (bench, photo) =>
    {
        var converted = bench.File($"{Guid.NewGuid():N}.jpg");
        await Shell.RunAsync(bench.Folder, "heif-convert", "-q", "97", photo, converted);
        await RenderAsync(bench, converted);
        File.Delete(converted);
    });

    private static async Task RunAsync(string name, int count, IReadOnlyList<string> files, Func<Bench, string, Task<string>> make, Func<Bench, string, Task> renderAsync)
    {
        using var bench = await Bench.StartAsync();
        var photos = files.Count > 0 ? files : [await make(bench, await MakeAsync(bench))];
        string PhotoOf(int number) => photos[number % photos.Count];
        Cache.Max = 0;
        NetVips.NetVips.Concurrency = 1;
        BenchRound? next = null;
        async Task PrepareAsync() => next = await bench.PrepareAsync(Enumerable.Range(0, count).Select(PhotoOf));

        await PrepareAsync();
        await Measure.CompareAsync(name, 7, PrepareAsync, withProcessors: true,
            new Way($"{count} photos, accepted to live", () => next!.RunAsync(untilLive: true)),
            new Way("the same renditions, bare", () => Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
                async (number, _) => await renderAsync(bench, PhotoOf(number)))));
    }

    /// <summary>As libvips' manual shows it, without checks, and trusting what it is given.</summary>
    private static async Task RenderAsync(Bench bench, string photo)
    {
        using var large = Image.ThumbnailBuffer(await File.ReadAllBytesAsync(photo), 1080, height: 1920, size: Enums.Size.Down, outputProfile: "srgb").CopyMemory();
        using var small = large.ThumbnailImage(540, height: 960, size: Enums.Size.Down).CopyMemory();
        using var tiny = small.ThumbnailImage(32, height: 32);
        large.WebpsaveBuffer(q: 80, effort: 2, keep: Enums.ForeignKeep.None);
        small.WebpsaveBuffer(q: 80, effort: 2, keep: Enums.ForeignKeep.None);
        tiny.WebpsaveBuffer(q: 40, effort: 4, keep: Enums.ForeignKeep.None);
    }

    /// <summary>
    /// 12 megapixels with some noise, and in Display P3, as a phone has them. Without any profile libvips would convert it all the same,
    /// to the same bytes and for more than half of the yardstick's time (the Worker does not): no match.
    /// </summary>
    private static async Task<string> MakeAsync(Bench bench)
    {
        await Shell.RunAsync(bench.Folder, "ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=4032x3024:rate=1,noise=alls=12:all_seed=1", "-frames:v", "1", "-q:v", "2", "plain.jpg");
        using var plain = Image.NewFromFile(bench.File("plain.jpg"));
        var profile = Image.ProfileLoad("p3");
        using var photo = plain.Mutate(copy => copy.Set(GValue.BlobType, "icc-profile-data", profile));
        photo.Jpegsave(bench.File("photo.jpg"), q: 85);
        return bench.File("photo.jpg");
    }
}
