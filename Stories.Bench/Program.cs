using System.Globalization;
using Stories.Bench;
using Stories.Bench.Simulation;

Task? bench = args switch
{
    ["age"] => AgeBench.RunAsync(),
    ["upload"] => UploadBench.RunAsync(),
    ["photo", .. var paths] => PhotoBench.RunAsync(OwnFiles.Find(paths, OwnFiles.Photos)),
    ["photo-heic", .. var paths] => PhotoBench.RunHeicAsync(OwnFiles.Find(paths, OwnFiles.Heics)),
    ["video", .. var paths] => VideoBench.RunAllSizesAsync(OwnFiles.Find(paths, OwnFiles.Videos)),
    ["first-playable", .. var paths] => VideoBench.RunFirstPlayableAsync(OwnFiles.Find(paths, OwnFiles.Videos)),
    ["quality", _, ..] => QualityBench.RunAsync(OwnFiles.Find(args[1..], OwnFiles.Videos)),
    ["simulate", "ads", .. var folder] => SimulateAds.RunAsync(SimulationPlan.Large, folder.FirstOrDefault()),
    ["simulate-small", "ads", .. var folder] => SimulateAds.RunAsync(SimulationPlan.Small, folder.FirstOrDefault()),
    ["expiry"] => ExpiryBench.RunAsync(),
    ["records"] => RecordsBench.RunAsync(),
    ["catalog"] => CatalogBench.RunAsync(),
    ["serve-catalog", var file, var tag, var app] => BareCatalog.ServeAsync(file, tag, app),
    ["planner"] => PlannerBench.RunAsync(),
    ["memory"] => MemoryBench.RunAsync(5000, 200, folder: null),
    ["memory", var photos, var videos, .. var folder] => MemoryBench.RunAsync(int.Parse(photos, CultureInfo.InvariantCulture), int.Parse(videos, CultureInfo.InvariantCulture), folder.FirstOrDefault()),
    _ => null,
};
if (bench is null)
{
    Console.Error.WriteLine("""
        One of: age, upload, photo [PATH...], photo-heic [PATH...], video [PATH...], first-playable [PATH...], quality PATH..., expiry, records, catalog, planner, memory [PHOTOS VIDEOS [FOLDER FOR THE PICTURE]].
        A PATH is a file of one's own, or a folder of them. Photos are posted in turn; each video is measured by itself, and the least ratio counts.
        Each ends with RESULT NAME RATIO (yardstick's time / ours, or what it says itself; higher is better).
        """);
    return 2;
}
await bench;
return bench is Task<int> { Result: var outcome } ? outcome : 0;
