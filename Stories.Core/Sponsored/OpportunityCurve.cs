namespace Stories.Core.Sponsored;

/// <summary>
/// How many places for a sponsored status a cell has in each hour of a week (UTC), learned from the hours before. A day says most about
/// its own weekday and something about all days of its kind, so that a new cell has a shape after a day and weekends keep theirs.
/// </summary>
public sealed class OpportunityCurve
{
    public const int Hours = 7 * 24;

    /// <summary>Weight of a new day in those of its kind (workday or weekend), and in its own weekday.</summary>
    private const double KindBlend = 0.2, OwnBlend = 0.5;

    private readonly double[] before = new double[Hours + 1];

    /// <param name="perHour">168, Monday's first hour first.</param>
    public OpportunityCurve(IReadOnlyList<double> perHour)
    {
        for (var hour = 0; hour < Hours; hour++) before[hour + 1] = before[hour] + Math.Max(0, perHour[hour]);
    }

    public static OpportunityCurve Flat(double perHour) => new([.. Enumerable.Repeat(perHour, Hours)]);

    public static OpportunityCurve Nothing { get; } = Flat(0);

    /// <summary>Of a whole week.</summary>
    public double Week => before[Hours];

    public static OpportunityCurve SumOf(IEnumerable<OpportunityCurve> curves)
    {
        var sum = new double[Hours];
        foreach (var curve in curves)
            for (var hour = 0; hour < Hours; hour++) sum[hour] += curve.before[hour + 1] - curve.before[hour];
        return new OpportunityCurve(sum);
    }

    /// <param name="hours">What was counted, by the hour; a whole hour without an entry had nothing, if its day has any.</param>
    /// <param name="now">The running hour is left out: it is not whole.</param>
    public static OpportunityCurve Learn(IEnumerable<(DateTimeOffset Hour, double Opportunities)> hours, DateTimeOffset now)
    {
        var running = now.ToUnixTimeSeconds() / 3600;
        var days = hours.Where(h => h.Hour.ToUnixTimeSeconds() / 3600 < running).GroupBy(h => h.Hour.UtcDateTime.Date).OrderBy(g => g.Key).ToList();
        var learned = new double?[Hours];
        var firstHour = days.Count == 0 ? running : days[0].Min(h => h.Hour.ToUnixTimeSeconds() / 3600);
        foreach (var day in days)
        {
            var seen = day.GroupBy(h => h.Hour.UtcDateTime.Hour).ToDictionary(g => g.Key, g => g.Sum(h => h.Opportunities));
            for (var hour = 0; hour < 24; hour++)
            {
                var at = new DateTimeOffset(day.Key, TimeSpan.Zero).ToUnixTimeSeconds() / 3600 + hour;
                if (at >= running || at < firstHour) continue;
                Blend(learned, day.Key.DayOfWeek, hour, seen.GetValueOrDefault(hour));
            }
        }
        // Hours that were never seen are as the others on average, until they are.
        var known = learned.OfType<double>().ToList();
        var rest = known.Count == 0 ? 0 : known.Average();
        return new OpportunityCurve([.. learned.Select(value => value ?? rest)]);
    }

    /// <summary>What to expect from one moment to another.</summary>
    public double Between(DateTimeOffset from, DateTimeOffset to) => to <= from ? 0 : Until(to) - Until(from);

    private static void Blend(double?[] learned, DayOfWeek day, int hour, double seen)
    {
        for (var other = 0; other < 7; other++)
        {
            var otherDay = (DayOfWeek)((other + 1) % 7);
            if (IsWeekend(otherDay) != IsWeekend(day)) continue;
            var index = other * 24 + hour;
            var blend = otherDay == day ? OwnBlend : KindBlend;
            learned[index] = learned[index] is { } value ? value + blend * (seen - value) : seen;
        }
    }

    private static bool IsWeekend(DayOfWeek day) => day is DayOfWeek.Saturday or DayOfWeek.Sunday;

    /// <summary>Since some Monday; only differences mean anything.</summary>
    private double Until(DateTimeOffset at)
    {
        // The epoch was a Thursday.
        var seconds = at.ToUnixTimeMilliseconds() / 1000d + 3 * 86_400;
        var hours = seconds / 3600;
        var weeks = Math.Floor(hours / Hours);
        var within = hours - weeks * Hours;
        var hour = Math.Min((int)within, Hours - 1);
        return weeks * Week + before[hour] + (within - hour) * (before[hour + 1] - before[hour]);
    }
}
