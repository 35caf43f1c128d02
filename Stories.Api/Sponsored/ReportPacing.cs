using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>
/// The plan beside what was billed, both from a line's beginning until the end of each row, or until now. The curve is the one that the planner
/// would learn now, so that the plan of a past day may differ a little from what was planned on it.
/// </summary>
internal sealed class ReportPacing(StoriesDb db, ReportNumbers numbers)
{
    public static IReadOnlyList<string> Columns { get; } = [Counters.Billed, "planMicros", Counters.SettledMicros, "budgetMicros", "errorPerMille"];

    /// <param name="rows">Of all lines, in their order, without their numbers.</param>
    public async Task<List<ReportRow>> FillAsync(IReadOnlyList<ReportRow> rows, IReadOnlyList<Line> lines, AskedReport asked, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (lines.Count == 0) return [];
        var first = Earlier(DateOnly.FromDateTime(lines.Min(l => l.StartsAt).UtcDateTime), asked.From);
        var counted = await numbers.ReadAsync([.. lines.Select(l => l.Id)], first, asked.To, ReportBy.Day, cancellationToken);
        var cells = (await db.CellHours.AsNoTracking().ToListAsync(cancellationToken))
            .Select(h => (Cell: Cell.TryParse(h.Cell, out var cell) ? cell : null, h.Hour, Opportunities: (double)(h.Opportunities > 0 ? h.Opportunities : h.Fetches))).Where(h => h.Cell is not null).ToList();

        var filled = new List<ReportRow>();
        foreach (var line in lines)
        {
            var curve = OpportunityCurve.Learn(cells.Where(h => Planner.IsFor(line.Terms.Targets, h.Cell!)).GroupBy(h => h.Hour).Select(g => (g.Key, g.Sum(h => h.Opportunities))), now);
            var plan = new LinePlanned(line.Terms, curve);
            foreach (var row in rows.Where(r => r.Line == line.Id))
            {
                var last = row.Key is null ? asked.To : DateOnly.ParseExact(row.Key, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
                var end = ReportNumbers.Midnight(last.AddDays(1));
                var sums = new Sums();
                foreach (var day in counted.Where(c => c.Key.Line == line.Id && c.Key.Day <= last)) sums.Add(day.Value[""]);
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

        public long Until(DateTimeOffset at)
        {
            if (windows.Count == 0 || at <= terms.StartsAt) return 0;
            if (terms.BudgetKind == BudgetKind.Lifetime) return Micros(Pace.PlannedShare(terms.Pacing, windows, curve, at));
            var today = Schedule.DayOf(terms, at);
            double shares = 0;
            for (var day = Schedule.DayOf(terms, terms.StartsAt); day <= today; day = day.AddDays(1))
            {
                var begin = Schedule.StartOfDay(terms, day);
                var ofDay = Schedule.Windows(terms, begin, Schedule.StartOfDay(terms, day.AddDays(1)));
                if (ofDay.Count > 0 && at > begin) shares += Pace.PlannedShare(terms.Pacing, ofDay, curve, at);
            }
            return Micros(shares);
        }

        private long Micros(double shares) => (long)Math.Min(long.MaxValue / 2d, terms.BudgetMicros * shares);
    }
}
