using Stories.Bench;

Task? bench = args switch
{
    ["age"] => AgeBench.RunAsync(),
    ["upload"] => UploadBench.RunAsync(),
    ["photo"] => PhotoBench.RunAsync(file: null),
    ["photo", var file] => PhotoBench.RunAsync(file),
    ["video"] => VideoBench.RunAllSizesAsync(),
    ["first-playable"] => VideoBench.RunFirstPlayableAsync(),
    _ => null,
};
if (bench is null)
{
    Console.Error.WriteLine("One of: age, upload, photo [FILE], video, first-playable. Each ends with RESULT NAME RATIO (yardstick's time / ours; higher is better).");
    return 2;
}
await bench;
return 0;
