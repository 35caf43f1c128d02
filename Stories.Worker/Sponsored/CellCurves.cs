using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Worker.Sponsored;

/// <summary>What is known of each cell's people; read again each hour, and when a cell is new.</summary>
public sealed class CellCurves
{
    private static readonly TimeSpan Learned = TimeSpan.FromDays(35);

    private IReadOnlyDictionary<Cell, OpportunityCurve> known = new Dictionary<Cell, OpportunityCurve>();
    private long hour = -1;

    public async Task<IReadOnlyDictionary<Cell, OpportunityCurve>> ReadAsync(StoriesDb db, IReadOnlyCollection<Cell> cells, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (hour == now.ToUnixTimeSeconds() / 3600 && cells.All(known.ContainsKey)) return known;
        string[] names = [.. cells.Select(c => c.ToString())];
        var since = now - Learned;
        var rows = await db.CellHours.AsNoTracking().Where(h => names.Contains(h.Cell) && h.Hour > since).ToListAsync(cancellationToken);
        var byCell = rows.ToLookup(r => r.Cell);
        known = cells.ToDictionary(c => c, c => Learn([.. byCell[c.ToString()]], now));
        hour = now.ToUnixTimeSeconds() / 3600;
        return known;
    }

    /// <summary>Where no device has told of its opportunities, requests stand for them: who asks for a catalog is looking.</summary>
    private static OpportunityCurve Learn(List<CellHour> hours, DateTimeOffset now)
    {
        var told = hours.Any(h => h.Opportunities > 0);
        return OpportunityCurve.Learn(hours.Select(h => (h.Hour, (double)(told ? h.Opportunities : h.Fetches))), now);
    }
}
