namespace Stories.Core.Sponsored;

/// <summary>What can be said of a part of a line's showings.</summary>
/// <param name="Devices">Those that saw the line for the first time here.</param>
public sealed record BrokenDown(long Shown, long Devices, long Actions)
{
    public static BrokenDown Nothing { get; } = new(0, 0, 0);

    public static BrokenDown operator +(BrokenDown one, BrokenDown other) => new(one.Shown + other.Shown, one.Devices + other.Devices, one.Actions + other.Actions);
}

/// <summary>
/// One line's final day by one dimension: parts that are large enough, each with noise, and the rest in one number, so that all of them
/// are the exact total. It is reckoned the same whenever it is asked for.
/// </summary>
public sealed class Breakdown(ReportNoise noise)
{
    public const int LeastDevices = 50;
    public const int LeastActions = 10;

    // Two for a line, a day and a dimension: one for whether a part is shown, and a half for each number in it.
    private const double DevicesEpsilon = 1;
    private const double NumbersEpsilon = 0.5;

    /// <param name="mostShown">How often one device may have shown it on the day.</param>
    public (IReadOnlyDictionary<string, BrokenDown> Parts, BrokenDown Other) Release(
        Guid line, DateOnly day, string dimension, IReadOnlyDictionary<string, BrokenDown> exact, int mostShown)
    {
        var released = new SortedDictionary<string, BrokenDown>(StringComparer.Ordinal);
        foreach (var (value, part) in exact)
        {
            var devices = part.Devices + noise.Draw(line, dimension, value, day, "devices", DevicesEpsilon, 1);
            if (devices < ReportNoise.Threshold(LeastDevices, DevicesEpsilon)) continue;
            var shown = part.Shown + noise.Draw(line, dimension, value, day, "shown", NumbersEpsilon, mostShown);
            var actions = part.Actions + noise.Draw(line, dimension, value, day, "actions", NumbersEpsilon, mostShown);
            released[value] = new BrokenDown(Math.Max(0, shown), devices, actions < ReportNoise.Threshold(LeastActions, NumbersEpsilon) ? 0 : actions);
        }
        var total = exact.Values.Aggregate(BrokenDown.Nothing, (sum, part) => sum + part);
        Fit(released, total.Shown, part => part.Shown, (part, value) => part with { Shown = value });
        Fit(released, total.Devices, part => part.Devices, (part, value) => part with { Devices = value });
        Fit(released, total.Actions, part => part.Actions, (part, value) => part with { Actions = value });
        var sum = released.Values.Aggregate(BrokenDown.Nothing, (all, part) => all + part);
        return (released, new BrokenDown(total.Shown - sum.Shown, total.Devices - sum.Devices, total.Actions - sum.Actions));
    }

    /// <summary>Noise may make the parts more than there was; what is too much goes from the largest.</summary>
    private static void Fit(SortedDictionary<string, BrokenDown> parts, long total, Func<BrokenDown, long> read, Func<BrokenDown, long, BrokenDown> write)
    {
        var tooMuch = parts.Values.Sum(read) - total;
        foreach (var (value, part) in parts.OrderByDescending(p => read(p.Value)).ThenBy(p => p.Key, StringComparer.Ordinal).ToList())
        {
            if (tooMuch <= 0) return;
            var less = Math.Min(tooMuch, read(part));
            parts[value] = write(part, read(part) - less);
            tooMuch -= less;
        }
    }
}
