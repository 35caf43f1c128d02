using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>What is to come of lines: what the plan wants of them, what devices have of them now, and what they would get until their end.</summary>
internal sealed class LineProspects(StoriesDb db, PlannedLines planned, CellCurves curves, CellCatalogs catalogs, LifetimeWindows windows)
{
    /// <param name="own">The booked line whose terms these are or would be; null: none.</param>
    /// <returns>And of how many days the people are known.</returns>
    public async Task<(Forecast Forecast, int LearnedDays)> ForecastAsync(LineTerms terms, Line? own, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var wanted = WantedLine.Of(terms);
        if (own is not null)
        {
            var today = Schedule.DayOf(terms, now);
            var day = await db.LineDays.Where(d => d.LineId == own.Id && d.Day == today).Select(d => d.SettledMicros).FirstOrDefaultAsync(cancellationToken);
            wanted = WantedLine.Of(own, terms, day);
        }
        var (cells, days) = await curves.ReadAskedAsync(db, now, cancellationToken);
        var others = await planned.ReadBesideAsync(windows, own?.Id, now, terms.EndsAt, cancellationToken);
        return (Forecast.Of(wanted, cells, others, days, now), days);
    }

    /// <summary>What a line has to spend now, and what it should have spent; null when it is not planned, or costs nothing.</summary>
    public async Task<(PacePeriod Period, double Planned)?> PlanAsync(Line line, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (line.Terms.PriceMicros == 0) return null;
        var own = (await planned.ReadOfAsync(line.AdvertiserId, windows, now, cancellationToken)).FirstOrDefault(l => l.Id == line.Id);
        if (own is null || own.Period.Windows.Count == 0) return null;
        var (cells, _) = await curves.ReadAskedAsync(db, now, cancellationToken);
        var curve = OpportunityCurve.SumOf(cells.Where(c => Planner.IsFor(line.Terms.Targets, c.Cell)).Select(c => c.Curve));
        return (own.Period, own.Period.Budget * Pace.PlannedShare(line.Terms.Pacing, own.Period.Windows, curve, now));
    }

    /// <summary>The cells of a line's people as catalogs name them now, those with most places in this epoch first.</summary>
    /// <param name="most">A catalog may be large, and each is read whole.</param>
    public async Task<(IReadOnlyList<LineInCell> Cells, int More)> CellsAsync(Line line, int most, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var epoch = Catalog.EpochAt(now);
        var (begin, end) = (DateTimeOffset.FromUnixTimeSeconds(epoch), DateTimeOffset.FromUnixTimeSeconds(epoch + Catalog.EpochSeconds));
        var issued = (await db.Catalogs.Where(c => c.Epoch == epoch && !c.IsDropped).Select(c => c.Cell).Distinct().ToListAsync(cancellationToken)).ToHashSet();
        var (asked, _) = await curves.ReadAskedAsync(db, now, cancellationToken);
        var found = asked.Where(c => Planner.IsFor(line.Terms.Targets, c.Cell))
            .GroupBy(c => CellCatalogs.FromNearest(c.Cell).FirstOrDefault(near => issued.Contains(near.ToString())) ?? c.Cell, c => c.Curve.Between(begin, end))
            .Select(g => (Cell: g.Key, Opportunities: g.Sum())).OrderByDescending(c => c.Opportunities).ThenBy(c => c.Cell.ToString(), StringComparer.Ordinal).ToList();
        var cells = new List<LineInCell>();
        foreach (var (cell, opportunities) in found.Take(most))
        {
            var record = issued.Contains(cell.ToString()) ? await catalogs.FindAsync(cell, epoch, cancellationToken) : null;
            // One that was dropped meanwhile is made again within a second.
            var catalog = record is null ? null : StoriesJson.ReadCanonical<Catalog>(record.Bytes);
            cells.Add(new LineInCell(cell, catalog is null ? CellStanding.NobodyLooks : CellStanding.Of(catalog, line.Id, line.Terms, now), opportunities));
        }
        return (cells, found.Count - cells.Count);
    }
}

/// <param name="Opportunities">Places before the line's people in this epoch.</param>
internal sealed record LineInCell(Cell Cell, CellStanding Standing, double Opportunities);
