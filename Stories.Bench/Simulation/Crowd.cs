using Stories.Protocol.Sponsored;

namespace Stories.Bench.Simulation;

/// <summary>People of one cell: how many, where, and when they look.</summary>
internal sealed record CrowdCell(Cell Cell, string TimeZone, int Devices)
{
    private readonly TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(TimeZone);

    public DateTime LocalAt(DateTimeOffset now) => TimeZoneInfo.ConvertTime(now, zone).DateTime;
}

/// <summary>One device: its log is all that it knows, and nobody else has it.</summary>
internal sealed class SimulatedDevice
{
    public AdLog Log { get; set; } = AdLog.Empty;

    // What only the simulation knows.
    public List<(SimulatedLine Line, DateTimeOffset At)> Seen { get; } = [];
    public int GateFaults { get; set; }
    public DateTimeOffset BusyUntil { get; set; }
}

/// <summary>
/// Who looks when: a peak in the morning and a higher one in the evening, next to nobody at night, more at weekends. Everything random
/// comes from one seed.
/// </summary>
internal static class Crowd
{
    /// <summary>Sessions of a person on an ordinary day.</summary>
    public const double SessionsPerDay = 3;

    // Shares of a day by local hour; measured from nothing, shaped like the reports on story apps: two peaks, a dead night.
    private static readonly double[] Hours = [0.4, 0.15, 0.04, 0.02, 0.02, 0.1, 0.6, 1.4, 1.9, 1.5, 1.1, 1.0, 1.2, 1.2, 1.0, 1.0, 1.2, 1.5, 1.9, 2.4, 2.6, 2.3, 1.6, 0.9];
    private static readonly double Sum = Hours.Sum();

    /// <summary>Sessions that a person begins within an epoch, on average.</summary>
    public static double SessionsPerEpoch(DateTime local)
    {
        // From hour to hour without a step.
        var (hour, part) = (local.Hour, local.Minute / 60d);
        var weight = Hours[hour] * (1 - part) + Hours[(hour + 1) % 24] * part;
        var weekend = local.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? 1.25 : 1;
        return SessionsPerDay * weekend * weight / Sum * Catalog.EpochSeconds / 3600;
    }

    public static int Poisson(Random random, double mean)
    {
        // By its limit where that is exact enough.
        if (mean > 60) return Math.Max(0, (int)Math.Round(mean + Math.Sqrt(mean) * Gauss(random)));
        var (limit, product, count) = (Math.Exp(-mean), 1d, -1);
        do { product *= random.NextDouble(); count++; } while (product > limit);
        return count;
    }

    /// <summary>How many people in the tray have something new: a few mostly, many sometimes.</summary>
    public static int PeopleInTray(Random random) => 2 + (int)(-7 * Math.Log(1 - random.NextDouble()));

    private static double Gauss(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
