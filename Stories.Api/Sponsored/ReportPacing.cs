using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>
/// The plan beside what was billed, both from a line's beginning until the end of each row, or until now. The curve is the one that the planner
/// knows now, so that the plan of a past day may differ a little from what was planned on it.
/// </summary>
internal sealed class ReportPacing(StoriesDb db, ReportNumbers numbers, CellCurves curves)
{
    public static IReadOnlyList<string> Columns { get; } = [Counters.Billed, "planMicros", Counters.SettledMicros, "budgetMicros", "errorPerMille"];

    /// <param name="rows">Of all lines, each line's in the order of their days, without their numbers.</param>
    public async Task<List<ReportRow>> FillAsync(IReadOnlyList<ReportRow> rows, IReadOnlyList<Line> lines, AskedReport asked, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (lines.Count == 0) return [];
        var first = Earlier(DateOnly.FromDateTime(lines.Min(l => l.StartsAt).UtcDateTime), asked.From);
        var counted = (await numbers.ReadAsync([.. lines.Select(l => l.Id)], first, asked.To, ReportBy.Day, cancellationToken)).ToLookup(c => c.Key.Line, c => (c.Key.Day, Sums: c.Value[""]));
        var (cells, _) = await curves.ReadAskedAsync(db, now, cancellationToken);
        var byLine = rows.ToLookup(r => r.Line);

        var filled = new List<ReportRow>();
        foreach (var line in lines)
        {
            var plan = new LinePlanned(line.Terms, OpportunityCurve.SumOf(cells.Where(c => Planner.IsFor(line.Terms.Targets, c.Cell)).Select(c => c.Curve)));
            var (sums, days) = (new Sums(), new Queue<(DateOnly Day, Sums Sums)>(counted[line.Id].OrderBy(d => d.Day)));
            foreach (var row in byLine[line.Id])
            {
                var last = row.Key is null ? asked.To : DateOnly.ParseExact(row.Key, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
                var end = ReportNumbers.Midnight(last.AddDays(1));
                while (days.TryPeek(out var next) && next.Day <= last) sums.Add(days.Dequeue().Sums);
                filled.Add(row with { Values = Numbers(sums, plan.Until(end < now ? end : now), line.Terms.BudgetMicros) });
            }
        }
        return filled;
    }

    private static decimal[] Numbers(Sums sums, long plan, long budget)
    {
        var settled = sums.Of(Counters.SettledMicros);
        return [sums.Of(Counters.Billed), plan, settled, budget, plan == 0 ? 0 : Math.Round((settled - plan) * 1000m / plan)];
    }

    private static DateOnly Earlier(DateOnly one, DateOnly other) => one < other ? one : other;

    /// <summary>What a line was to have spent by a moment.</summary>
    private sealed class LinePlanned(LineTerms terms, OpportunityCurve curve)
    {
        private readonly IReadOnlyList<Window> windows = Schedule.Windows(terms, terms.StartsAt, terms.EndsAt);
        private IReadOnlyList<DateOnly>? days;

        public long Until(DateTimeOffset at)
        {
            if (windows.Count == 0 || at <= terms.StartsAt) return 0;
            if (terms.BudgetKind == BudgetKind.Lifetime) return Micros(Pace.PlannedShare(terms.Pacing, windows, curve, at));
            var today = Schedule.DayOf(terms, at);
            var begin = Schedule.StartOfDay(terms, today);
            var ofToday = Schedule.Windows(terms, begin, Schedule.StartOfDay(terms, today.AddDays(1)));
            days ??= [.. windows.SelectMany(Days).Distinct()];
            return Micros(days.Count(d => d < today) + (ofToday.Count > 0 && at > begin ? Pace.PlannedShare(terms.Pacing, ofToday, curve, at) : 0));
        }

        private IEnumerable<DateOnly> Days(Window window)
        {
            var last = Schedule.DayOf(terms, DateTimeOffset.FromUnixTimeSeconds(window.To - 1));
            for (var day = Schedule.DayOf(terms, DateTimeOffset.FromUnixTimeSeconds(window.From)); day <= last; day = day.AddDays(1)) yield return day;
        }

        private long Micros(double shares) => (long)Math.Min(long.MaxValue / 2d, terms.BudgetMicros * shares);
    }
}
