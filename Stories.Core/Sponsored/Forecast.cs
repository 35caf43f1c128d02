using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <param name="Opportunities">Places for a sponsored status before its people in its hours.</param>
/// <param name="Available">Of these, what lines of higher tiers and the shares of others leave to it.</param>
/// <param name="Wanted">Views; null for what costs nothing.</param>
/// <param name="Deliverable">Views that it would get.</param>
public sealed record ForecastDay(DateOnly Day, double Opportunities, double Available, double? Wanted, double Deliverable);

/// <summary>
/// What a line would get from now until its end, by the learned curves and by what is booked beside it. Devices cap by themselves and tell nobody,
/// so caps are not in it.
/// </summary>
/// <param name="Days">Of its zone.</param>
/// <param name="Wanted">Views that its budget pays for; null for what costs nothing.</param>
public sealed record Forecast(IReadOnlyList<ForecastDay> Days, double Opportunities, double Available, double? Wanted, double Deliverable, IReadOnlyList<ForecastWarning> Warnings)
{
    /// <summary>So much more than is wanted has to be there for an even course.</summary>
    public const double Room = 1.15;

    private const int WholeWeek = 7;

    /// <summary>Whether its people suffice; whether somebody pays is another question.</summary>
    public bool IsFeasible => Warnings.All(w => w is ForecastWarning.StillLearning);

    /// <param name="cells">All that are asked for, never merged, each with what is known of its people.</param>
    /// <param name="others">Booked beside it.</param>
    /// <param name="learnedDays">Of how many days that is.</param>
    public static Forecast Of(WantedLine line, IReadOnlyList<(Cell Cell, OpportunityCurve Curve)> cells, IReadOnlyList<WantedLine> others, int learnedDays, DateTimeOffset now)
    {
        var mine = cells.Where(c => Planner.IsFor(line.Terms.Targets, c.Cell)).ToList();
        var calendar = new Calendar(now, line.Terms.EndsAt);
        var dayStarts = calendar.Of(line.Terms);
        var course = new WantedCourse(line, OpportunityCurve.SumOf(mine.Select(c => c.Curve)), dayStarts, now);
        var rivals = new Rivals(line, mine, cells, others, calendar, now);

        var isDaily = line.Terms.BudgetKind == BudgetKind.Daily;
        var days = new List<ForecastDay>();
        double delivered = 0, wantedBefore = 0;
        foreach (var day in Slots(line.Windows, dayStarts, now.ToUnixTimeSeconds()).GroupBy(s => s.Day))
        {
            double opportunities = 0, available = 0, deliverable = 0;
            // A day's budget ends with it; a life's shortfall is made up for later.
            if (isDaily) delivered = 0;
            foreach (var (_, from, to) in day)
            {
                var (there, left) = rivals.Leave(from, to);
                var views = line.IsEndless ? left : Math.Min(left, Math.Max(0, course.Until(to) - (isDaily ? wantedBefore : 0) - delivered));
                (opportunities, available, deliverable, delivered) = (opportunities + there, available + left, deliverable + views, delivered + views);
            }
            var wantedUntil = course.Until(dayStarts[day.Key + 1]);
            days.Add(new ForecastDay(Schedule.DayOf(line.Terms, DateTimeOffset.FromUnixTimeSeconds(dayStarts[day.Key])), opportunities, available, line.IsEndless ? null : wantedUntil - wantedBefore, deliverable));
            wantedBefore = wantedUntil;
        }
        double? wanted = line.IsEndless ? null : course.Until(line.Terms.EndsAt.ToUnixTimeSeconds());
        var forecast = new Forecast(days, days.Sum(d => d.Opportunities), days.Sum(d => d.Available), wanted, days.Sum(d => d.Deliverable), []);
        return forecast with { Warnings = [.. forecast.Warn(line, mine.Count, learnedDays, now)] };
    }

    private IEnumerable<ForecastWarning> Warn(WantedLine line, int cells, int learnedDays, DateTimeOffset now)
    {
        if (line.Terms.EndsAt <= now)
        {
            yield return ForecastWarning.Over;
            yield break;
        }
        if (cells == 0) yield return ForecastWarning.NobodyLooks;
        if (Available < Room * Wanted) yield return ForecastWarning.TooFewPeople;
        // The first and the last day may be cut.
        if (line.Terms.BudgetKind == BudgetKind.Daily && Days.Skip(1).SkipLast(1).Any(d => d.Available < Room * d.Wanted)) yield return ForecastWarning.ShortDays;
        if (cells > 0 && learnedDays < WholeWeek) yield return ForecastWarning.StillLearning;
    }

    /// <summary>A line's windows from now on, cut where its days begin.</summary>
    private static IEnumerable<(int Day, long From, long To)> Slots(IReadOnlyList<Window> windows, IReadOnlyList<long> dayStarts, long now)
    {
        var day = 0;
        foreach (var window in windows)
        {
            for (var from = Math.Max(window.From, now); from < window.To;)
            {
                while (day + 1 < dayStarts.Count && dayStarts[day + 1] <= from) day++;
                var to = Math.Min(window.To, dayStarts[day + 1]);
                yield return (day, from, to);
                from = to;
            }
        }
    }

    /// <summary>When days begin, asked once for each zone.</summary>
    private sealed class Calendar(DateTimeOffset now, DateTimeOffset end)
    {
        private readonly Dictionary<string, IReadOnlyList<long>> known = [];

        /// <summary>From the begin of today until one after the end.</summary>
        public IReadOnlyList<long> Of(LineTerms terms)
        {
            if (known.TryGetValue(terms.TimeZone, out var found)) return found;
            var starts = new List<long>();
            for (var day = Schedule.DayOf(terms, now); starts.Count < 2 || starts[^1] <= end.ToUnixTimeSeconds(); day = day.AddDays(1)) starts.Add(Schedule.StartOfDay(terms, day).ToUnixTimeSeconds());
            return known[terms.TimeZone] = starts;
        }
    }

    /// <summary>Who may be asked before the line, or instead of it.</summary>
    private sealed class Rivals
    {
        private readonly List<(Cell Cell, OpportunityCurve Curve)> mine;
        private readonly List<Audience> audiences = [];
        private readonly List<(WantedCourse Course, Audience For, int Weight)> before = [], beside = [];
        private readonly int weight;

        public Rivals(WantedLine line, List<(Cell Cell, OpportunityCurve Curve)> mine, IReadOnlyList<(Cell Cell, OpportunityCurve Curve)> cells, IReadOnlyList<WantedLine> others, Calendar calendar, DateTimeOffset now)
        {
            (this.mine, weight) = (mine, line.Terms.Weight);
            var known = new Dictionary<string, Audience?>();
            foreach (var other in others)
            {
                if (other.Terms.Tier > line.Terms.Tier || other.Terms.EndsAt <= now || other.Terms.StartsAt >= line.Terms.EndsAt) continue;
                var targets = other.Terms.Targets;
                var key = string.Join(';', string.Join(',', targets.Apps), string.Join(',', targets.Countries), string.Join(',', targets.Languages), targets.AdultsOnly);
                if (!known.TryGetValue(key, out var audience)) known[key] = audience = Find(targets, cells);
                if (audience is null) continue;
                var rival = (new WantedCourse(other, audience.Curve, calendar.Of(other.Terms), now), audience, other.Terms.Weight);
                (other.Terms.Tier < line.Terms.Tier ? before : beside).Add(rival);
            }
        }

        /// <summary>How many places there are from one moment to another, and how many of them the line may have.</summary>
        public (double There, double Left) Leave(long from, long to)
        {
            var (begin, end) = (DateTimeOffset.FromUnixTimeSeconds(from), DateTimeOffset.FromUnixTimeSeconds(to));
            foreach (var audience in audiences) (audience.Reach, audience.Taken) = (audience.Curve.Between(begin, end), 0);
            foreach (var (course, audience, _) in before)
                if (audience.Reach > 0) audience.Taken += (course.Until(to) - course.Until(from)) / audience.Reach;

            var there = new double[mine.Count];
            var left = new double[mine.Count];
            for (var cell = 0; cell < mine.Count; cell++) left[cell] = there[cell] = mine[cell].Curve.Between(begin, end);
            var shares = new double[mine.Count];
            foreach (var audience in audiences)
                foreach (var cell in audience.Mine) shares[cell] += audience.Taken;
            for (var cell = 0; cell < mine.Count; cell++) left[cell] *= Math.Max(0, 1 - shares[cell]);
            var all = left.Sum();
            return (there.Sum(), all <= 0 ? 0 : ShareOf(all, left, from, to));
        }

        /// <summary>Those of the same tier have what they want as long as nobody has less than by weight.</summary>
        private double ShareOf(double all, double[] left, long from, long to)
        {
            foreach (var audience in audiences) audience.Common = audience.Mine.Sum(cell => left[cell]);
            var wishes = new List<(double Views, double Weight)>();
            foreach (var (course, audience, theirs) in beside)
            {
                if (audience.Reach <= 0 || audience.Common <= 0) continue;
                // What they get of it elsewhere they do not want here.
                var views = Math.Min(1, (course.Until(to) - course.Until(from)) / audience.Reach) * audience.Common;
                if (views > 0) wishes.Add((views, theirs * audience.Common / all));
            }
            var weights = weight + wishes.Sum(w => w.Weight);
            foreach (var (views, theirs) in wishes.OrderBy(w => w.Views / w.Weight))
            {
                if (views > all / weights * theirs) break;
                (all, weights) = (all - views, weights - theirs);
            }
            return Math.Max(0, all) * weight / weights;
        }

        private Audience? Find(Targets targets, IReadOnlyList<(Cell Cell, OpportunityCurve Curve)> cells)
        {
            int[] common = [.. Enumerable.Range(0, mine.Count).Where(i => Planner.IsFor(targets, mine[i].Cell))];
            if (common.Length == 0) return null;
            var audience = new Audience(common, OpportunityCurve.SumOf(cells.Where(c => Planner.IsFor(targets, c.Cell)).Select(c => c.Curve)));
            audiences.Add(audience);
            return audience;
        }

        /// <param name="mine">Which of the line's own cells are in it.</param>
        private sealed class Audience(int[] mine, OpportunityCurve curve)
        {
            public int[] Mine => mine;
            public OpportunityCurve Curve => curve;

            /// <summary>All of its places in the time that is looked at.</summary>
            public double Reach { get; set; }

            /// <summary>The share of them that higher tiers take.</summary>
            public double Taken { get; set; }

            /// <summary>Those that it has in common with the line, and that higher tiers leave.</summary>
            public double Common { get; set; }
        }
    }
}
