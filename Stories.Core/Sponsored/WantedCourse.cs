using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>How many views a line wants from now until any moment, if there are people enough. Asked often: it sums its windows up once.</summary>
internal sealed class WantedCourse
{
    private readonly WantedLine line;
    private readonly OpportunityCurve curve;
    private readonly double[] before;
    private readonly long now;

    /// <summary>Begins of its days from today on, and what it wants before each; of a budget for life, one day that is as long as it.</summary>
    private readonly IReadOnlyList<long> days;
    private readonly double[] beforeDay;

    /// <param name="curve">Of all for whom it is.</param>
    /// <param name="days">Begins of days in its zone, from today on and one beyond its end; asked of a daily budget only.</param>
    public WantedCourse(WantedLine line, OpportunityCurve curve, IReadOnlyList<long> days, DateTimeOffset now)
    {
        (this.line, this.curve, this.now) = (line, curve, now.ToUnixTimeSeconds());
        var windows = line.Windows;
        before = new double[windows.Count + 1];
        for (var i = 0; i < windows.Count; i++) before[i + 1] = before[i] + Weight(windows[i].From, windows[i].To);
        this.days = windows.Count == 0 ? [] : line.Terms.BudgetKind == BudgetKind.Daily ? days : [windows[0].From, windows[^1].To];
        beforeDay = new double[Math.Max(1, this.days.Count)];
        for (var day = 0; day + 1 < this.days.Count; day++) beforeDay[day + 1] = beforeDay[day] + Within(day, this.days[day + 1]);
    }

    public double Until(long second)
    {
        if (second <= now || days.Count < 2) return 0;
        var day = Last(days.Count - 1, i => days[i] <= second);
        return day < 0 ? 0 : beforeDay[day] + (day + 1 < days.Count ? Within(day, second) : 0);
    }

    /// <summary>Of one day, until a moment in it.</summary>
    private double Within(int day, long second)
    {
        var (begin, end) = (days[day], days[day + 1]);
        var from = Math.Max(begin, now);
        if (second <= from) return 0;
        var (atBegin, atFrom, at) = (Sum(begin), Sum(from), Sum(second));
        var views = day == 0 ? line.Left : line.EachDay;
        if (at <= atFrom) return 0;
        if (line.Terms.Pacing == Pacing.Asap || line.IsEndless) return Math.Min(views, at - atFrom);
        // What is left is spread over what is left of its course.
        var all = Sum(end) - atBegin;
        var (done, next) = (Share((atFrom - atBegin) / all), Share((at - atBegin) / all));
        return done >= 1 ? 0 : views * (next - done) / (1 - done);
    }

    private double Share(double share) => line.Terms.Pacing == Pacing.Front ? Math.Pow(share, Pace.FrontExponent) : share;

    /// <summary>Weight of all windows until a moment.</summary>
    private double Sum(long second)
    {
        var window = Last(line.Windows.Count, i => line.Windows[i].From < second);
        return window < 0 ? 0 : before[window] + Weight(line.Windows[window].From, Math.Min(line.Windows[window].To, second));
    }

    private double Weight(long from, long to) =>
        line.Terms.Pacing == Pacing.Linear && !line.IsEndless || curve.Week <= 0 ? to - from : curve.Between(DateTimeOffset.FromUnixTimeSeconds(from), DateTimeOffset.FromUnixTimeSeconds(to));

    /// <summary>The last of so many that is so; those after it are not.</summary>
    private static int Last(int count, Func<int, bool> isSo)
    {
        var (low, high) = (-1, count - 1);
        while (low < high)
        {
            var middle = low + (high - low + 1) / 2;
            if (isSo(middle)) low = middle;
            else high = middle - 1;
        }
        return low;
    }
}
