using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary>The caller's own lines, with what they really do.</summary>
internal static class ReadLines
{
    /// <param name="campaign">Null: of all campaigns.</param>
    public static async Task<Ok<LineList>> HandleAll(Guid? campaign, Caller caller, StoriesDb db, LineStandings standings, CancellationToken cancellationToken)
    {
        var lines = await Own(db, caller.Name).Where(l => campaign == null || l.CampaignId == campaign).OrderBy(l => l.CreatedAt).ThenBy(l => l.Id).ToListAsync(cancellationToken);
        return TypedResults.Ok(new LineList(await standings.ViewAsync(lines, cancellationToken)));
    }

    public static async Task<Results<Ok<LineView>, ProblemHttpResult>> Handle(Guid id, Caller caller, StoriesDb db, LineStandings standings, CancellationToken cancellationToken) =>
        await Own(db, caller.Name).FirstOrDefaultAsync(l => l.Id == id, cancellationToken) is { } line
            ? TypedResults.Ok(await standings.ViewAsync(line, cancellationToken))
            : Problems.Of(ProblemCodes.NotFound);

    private static IQueryable<Line> Own(StoriesDb db, UserName owner) =>
        db.Lines.AsNoTracking().Where(l => db.Advertisers.Any(a => a.Id == l.AdvertiserId && a.App == owner.App && a.User == owner.User));
}
