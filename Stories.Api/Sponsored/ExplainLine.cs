using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>
/// <c>GET /v1/ads/lines/{id}/explain</c>: what keeps a line, where it stands in its plan, and what the catalogs that devices have at this
/// moment do with it. Nothing is planned for it: it reads those catalogs.
/// </summary>
internal static class ExplainLine
{
    private const int MostCells = 20;

    public static async Task<Results<Ok<LineExplanation>, ProblemHttpResult>> Handle(
        Guid id, Caller caller, StoriesDb db, LineStandings standings, LineProspects prospects, TimeProvider clock, CancellationToken cancellationToken)
    {
        var line = await db.Lines.AsNoTracking().FirstOrDefaultAsync(l => l.Id == id && db.Advertisers.Any(a => a.Id == l.AdvertiserId && a.App == caller.Name.App && a.User == caller.Name.User), cancellationToken);
        if (line is null) return Problems.Of(ProblemCodes.NotFound);
        var now = clock.GetUtcNow();
        var standing = (await standings.SnapshotsAsync([line], cancellationToken))[0];
        var plan = await prospects.PlanAsync(line, now, cancellationToken);
        var (cells, more) = await prospects.CellsAsync(line, MostCells, now, cancellationToken);
        return TypedResults.Ok(new LineExplanation(line.Id, standing.Status, standing.Blockers, plan is { } there ? View(there.Period, there.Planned, now) : null, [.. cells.Select(View)], more));
    }

    private static PlanView View(PacePeriod period, double planned, DateTimeOffset now) => new(
        DateTimeOffset.FromUnixTimeSeconds(period.Windows[0].From), DateTimeOffset.FromUnixTimeSeconds(period.Windows[^1].To), (long)period.Budget, (long)planned, (long)period.Spent,
        planned < 1 ? 0 : (int)Math.Clamp(Math.Round((period.Spent - planned) * 1000 / planned), int.MinValue, int.MaxValue),
        DateTimeOffset.FromUnixTimeSeconds(Catalog.EpochAt(now) + Catalog.EpochSeconds));

    private static CellExplanation View(LineInCell there) => new(
        there.Cell.ToString(), there.Standing.Verdict, there.Standing.Pass, there.Standing.Before, there.Standing.Beside, (int)Math.Round(there.Standing.Won * 1000),
        Math.Round(there.Opportunities, 1), Math.Round(there.Opportunities * there.Standing.Share, 1));
}
