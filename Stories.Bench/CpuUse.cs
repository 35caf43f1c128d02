using System.Globalization;

namespace Stories.Bench;

/// <summary>Processor seconds by program over a while, from /proc: shows where a measured time went. Linux only, as the benchmarks' yardsticks are.</summary>
internal sealed class CpuUse
{
    private const string Storage = "azurite";
    private const string Database = "postgres";

    private const double TicksPerSecond = 100;
    private const string EndedChildren = "'s ended children";
    private static readonly string[] Yardsticks = ["Stories.Bench", "tus-server"];
    private static readonly string[] Programs = ["Stories.Api", "Stories.Worker", Storage, Database, .. Yardsticks];
    private readonly Dictionary<int, (string Program, double Own, double Children)> begin = Look();

    /// <summary>Seconds so far, by program.</summary>
    public Dictionary<string, double> Taken()
    {
        var seconds = new Dictionary<string, double>();
        foreach (var (id, (program, own, children)) in Look())
        {
            var before = begin.GetValueOrDefault(id);
            seconds[program] = seconds.GetValueOrDefault(program) + own - before.Own;
            // A database's backends outlive each other; the parent's sum of ended ones would count them twice.
            if (program != Database) seconds[program + EndedChildren] = seconds.GetValueOrDefault(program + EndedChildren) + children - before.Children;
        }
        return seconds;
    }

    /// <summary>For instance <c>Stories.Worker 1.2, render child 8.0, azurite 2.1</c>: what used at least a twentieth of a second.</summary>
    public static string Tell(Dictionary<string, double> taken) =>
        string.Join(", ", taken.Where(s => s.Value >= 0.05).OrderByDescending(s => s.Value).Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value:0.0}")));

    /// <summary>What it would be where storage and database have processors of their own.</summary>
    public static double OfService(Dictionary<string, double> taken) => taken.Where(s => !s.Key.StartsWith(Storage, StringComparison.Ordinal) && s.Key != Database).Sum(s => s.Value);

    /// <summary>Without the service, which is there and has nothing to do.</summary>
    public static double OfYardstick(Dictionary<string, double> taken) => taken.Where(s => Yardsticks.Any(name => s.Key.StartsWith(name, StringComparison.Ordinal))).Sum(s => s.Value);

    private static Dictionary<int, (string, double, double)> Look()
    {
        var found = new Dictionary<int, (string, double, double)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var id)) continue;
            try
            {
                var command = File.ReadAllText(Path.Combine(folder, "cmdline")).Replace('\0', ' ');
                if (Label(command) is not { } program) continue;
                // After the name, which may hold anything: utime is the 12th field, then stime, cutime, cstime.
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                double Seconds(int field) => double.Parse(fields[field], CultureInfo.InvariantCulture) / TicksPerSecond;
                found[id] = (program, Seconds(11) + Seconds(12), Seconds(13) + Seconds(14));
            }
            catch (IOException)
            {
                // It has just ended; its parent's sum has it.
            }
        }
        return found;
    }

    private static string? Label(string command)
    {
        if (command.Contains("render-child", StringComparison.Ordinal)) return "render child";
        return Programs.FirstOrDefault(program => command.Contains(program, StringComparison.Ordinal));
    }
}
