using System.Collections.Immutable;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Data;

/// <summary>What is known of each cell's people; read again each hour, and of a new cell at once.</summary>
public sealed class CellCurves
{
    private static readonly TimeSpan Learned = TimeSpan.FromDays(35);
    private static readonly TimeSpan Asked = TimeSpan.FromDays(7);

    private volatile Reading last = Reading.Nothing(-1);

    public async Task<IReadOnlyDictionary<Cell, OpportunityCurve>> ReadAsync(StoriesDb db, IReadOnlyCollection<Cell> cells, DateTimeOffset now, CancellationToken cancellationToken) =>
        (await ReadWithDaysAsync(db, cells, now, cancellationToken)).Curves;

    /// <summary>Of all cells for which somebody has asked within a week, never merged, and of how many days that is learned.</summary>
    public async Task<(IReadOnlyList<(Cell Cell, OpportunityCurve Curve)> Cells, int Days)> ReadAskedAsync(StoriesDb db, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var since = now - Asked;
        var names = await db.CellHours.Where(h => h.Hour > since && h.Fetches > 0).Select(h => h.Cell).Distinct().OrderBy(c => c).ToListAsync(cancellationToken);
        var cells = new List<Cell>();
        foreach (var name in names)
            if (Cell.TryParse(name, out var cell)) cells.Add(cell);
        var reading = await ReadWithDaysAsync(db, cells, now, cancellationToken);
        return ([.. cells.Select(c => (c, reading.Curves[c]))], reading.Dates.Count);
    }

    private async Task<Reading> ReadWithDaysAsync(StoriesDb db, IReadOnlyCollection<Cell> cells, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var hour = now.ToUnixTimeSeconds() / 3600;
        var known = last is var read && read.Hour == hour ? read : Reading.Nothing(hour);
        var missing = cells.Where(c => !known.Curves.ContainsKey(c)).ToList();
        if (missing.Count == 0) return known;
        string[] names = [.. missing.Select(c => c.ToString())];
        var since = now - Learned;
        var rows = await db.CellHours.AsNoTracking().Where(h => names.Contains(h.Cell) && h.Hour > since).ToListAsync(cancellationToken);
        var byCell = rows.ToLookup(r => r.Cell);
        return last = new Reading(hour,
            known.Curves.AddRange(missing.Select(c => KeyValuePair.Create(c, Learn([.. byCell[c.ToString()]], now)))),
            known.Dates.Union(rows.Select(r => r.Hour.UtcDateTime.Date)));
    }

    /// <summary>Where no device has told of its opportunities, requests stand for them: who asks for a catalog is looking.</summary>
    private static OpportunityCurve Learn(List<CellHour> hours, DateTimeOffset now)
    {
        var told = hours.Any(h => h.Opportunities > 0);
        return OpportunityCurve.Learn(hours.Select(h => (h.Hour, (double)(told ? h.Opportunities : h.Fetches))), now);
    }

    /// <param name="Dates">Of which something is known.</param>
    private sealed record Reading(long Hour, ImmutableDictionary<Cell, OpportunityCurve> Curves, ImmutableHashSet<DateTime> Dates)
    {
        public static Reading Nothing(long hour) => new(hour, ImmutableDictionary<Cell, OpportunityCurve>.Empty, []);
    }
}
