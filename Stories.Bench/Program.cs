using System.Globalization;
using Stories.Bench;

Task? bench = args switch
{
    ["age"] => AgeBench.RunAsync(),
    ["upload"] => UploadBench.RunAsync(),
    ["photo", .. var file] => PhotoBench.RunAsync(file.FirstOrDefault()),
    ["photo-heic", .. var file] => PhotoBench.RunHeicAsync(file.FirstOrDefault()),
    ["video", .. var file] => VideoBench.RunAllSizesAsync(file.FirstOrDefault()),
    ["first-playable", .. var file] => VideoBench.RunFirstPlayableAsync(file.FirstOrDefault()),
    ["quality", var file] => QualityBench.RunAsync(file),
    ["expiry"] => ExpiryBench.RunAsync(),
    ["records"] => RecordsBench.RunAsync(),
    ["memory"] => MemoryBench.RunAsync(5000, 200, folder: null),
    ["memory", var photos, var videos, .. var folder] => MemoryBench.RunAsync(int.Parse(photos, CultureInfo.InvariantCulture), int.Parse(videos, CultureInfo.InvariantCulture), folder.FirstOrDefault()),
    _ => null,
};
if (bench is null)
{
    Console.Error.WriteLine("""
        One of: age, upload, photo [FILE], photo-heic [FILE], video [FILE], first-playable [FILE], quality FILE, expiry, records, memory [PHOTOS VIDEOS [FOLDER FOR THE PICTURE]].
        Each ends with RESULT NAME RATIO (yardstick's time / ours, or what it says itself; higher is better).
        """);
    return 2;
}
await bench;
return 0;
