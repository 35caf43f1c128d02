using System.Diagnostics;

namespace Stories.Bench;

/// <summary>One way of doing the same work.</summary>
/// <param name="Name">What is printed.</param>
/// <param name="RunAsync">How many seconds it took.</param>
internal sealed record Way(string Name, Func<Task<double>> RunAsync)
{
    /// <summary>Whose time is taken.</summary>
    public Way(string name, Func<Task> run) : this(name, () => TimeAsync(run)) { }

    private static async Task<double> TimeAsync(Func<Task> run)
    {
        var watch = Stopwatch.StartNew();
        await run();
        return watch.Elapsed.TotalSeconds;
    }
}

/// <summary>
/// Runs several ways of the same work in turn, A B A B. The machine's speed drifts, so each round is compared in itself; the median of these ratios counts.
/// </summary>
internal static class Measure
{
    public static Task<double> CompareAsync(string name, int rounds, params Way[] ways) => CompareAsync(name, rounds, () => Task.CompletedTask, ways);

    public static Task<double> CompareAsync(string name, int rounds, Func<Task> prepare, params Way[] ways) => CompareAsync(name, rounds, prepare, withProcessors: false, ways);

    /// <param name="name">Of the result.</param>
    /// <param name="rounds">After one to warm up.</param>
    /// <param name="prepare">Before each round, not timed.</param>
    /// <param name="withProcessors">Tells also how processor seconds compare, without those of storage and database: of work that uses the processors up.</param>
    /// <param name="ways">Ours first, then the yardsticks.</param>
    /// <returns>The ratio.</returns>
    public static async Task<double> CompareAsync(string name, int rounds, Func<Task> prepare, bool withProcessors, params Way[] ways)
    {
        var seconds = ways.ToDictionary(way => way.Name, _ => new List<double>());
        var use = ways.ToDictionary(way => way.Name, _ => new List<Dictionary<string, double>>());
        foreach (var way in ways) await way.RunAsync();
        for (var round = 0; round < rounds; round++)
        {
            await prepare();
            foreach (var way in ways)
            {
                var cpu = new CpuUse();
                seconds[way.Name].Add(await way.RunAsync());
                use[way.Name].Add(cpu.Taken());
            }
        }
        Console.WriteLine($"{"",-60} {"min",8} {"median",8} {"max",8}   seconds, {rounds} rounds after one to warm up");
        foreach (var (way, times) in seconds) Console.WriteLine($"{way,-60} {times.Min(),8:0.000} {Median(times),8:0.000} {times.Max(),8:0.000}");
        foreach (var (way, taken) in use) Console.WriteLine($"Processor seconds of the last round, {way}: {CpuUse.Tell(taken[^1])}");
        if (withProcessors) Tell("Ratio of processor seconds, without storage and database", round => ways.Skip(1).Min(way => CpuUse.OfYardstick(use[way.Name][round])) / CpuUse.OfService(use[ways[0].Name][round]));
        var ratio = Tell("Ratio of the rounds", round => ways.Skip(1).Min(way => seconds[way.Name][round]) / seconds[ways[0].Name][round]);
        Console.WriteLine($"RESULT {name} {ratio:0.00}");
        return ratio;

        double Tell(string what, Func<int, double> ratioOf)
        {
            var ratios = Enumerable.Range(0, rounds).Select(ratioOf).ToList();
            Console.WriteLine($"{what,-60} {ratios.Min(),8:0.00} {Median(ratios),8:0.00} {ratios.Max(),8:0.00}");
            return Median(ratios);
        }
    }

    /// <summary>The same with each of several files; the least ratio counts.</summary>
    public static async Task EachAsync(string name, IReadOnlyList<string> files, Func<string, string, Task<double>> ratioAsync)
    {
        var ratios = new List<double>();
        foreach (var file in files)
        {
            Console.WriteLine(Path.GetFileName(file));
            ratios.Add(await ratioAsync(files.Count > 1 ? $"{name}:{Path.GetFileNameWithoutExtension(file)}" : name, file));
        }
        if (files.Count > 1) Console.WriteLine($"RESULT {name} {ratios.Min():0.00}");
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
