using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary>
/// <c>GET /v1/ads/repository</c>: everything that was shown within the last year, for anybody, without a token. <c>DELETE …/{digest}</c>: a reviewer has the
/// bytes erased now, because they may not lie anywhere; that it was shown stays known.
/// </summary>
internal static class ShowRepository
{
    private const int PageLength = 50;

    /// <summary>Fewer could be people.</summary>
    private const long LeastShown = 50;

    private static readonly TimeSpan KeptFor = TimeSpan.FromDays(365);

    public static async Task<Ok<AdRepository>> Handle(DateTimeOffset? before, StoriesDb db, CreativeViews views, TimeProvider clock, CancellationToken cancellationToken)
    {
        var since = clock.GetUtcNow() - KeptFor;
        var page = await (
            from creative in db.Creatives
            where creative.LastShownAt > since && (before == null || creative.LastShownAt < before)
            join advertiser in db.Advertisers on creative.AdvertiserId equals advertiser.Id
            orderby creative.LastShownAt descending, creative.Id
            select new { Creative = creative, advertiser.DisplayName, advertiser.LegalName }).AsNoTracking().Take(PageLength).ToListAsync(cancellationToken);
        Guid[] ids = [.. page.Select(p => p.Creative.Id)];
        var lines = (await (
            from shown in db.LineCreatives
            where ids.Contains(shown.CreativeId)
            join line in db.Lines on shown.LineId equals line.Id
            select new { shown.CreativeId, Line = line }).AsNoTracking().ToListAsync(cancellationToken)).ToLookup(l => l.CreativeId, l => l.Line);
        string[] digests = [.. page.Select(p => p.Creative.Digest!)];
        var sums = await db.Counts.Where(c => digests.Contains(c.Creative) && c.Counter == Counters.Valid).GroupBy(c => c.Creative)
            .Select(g => new { Creative = g.Key, First = g.Min(c => c.Hour), Shown = g.Sum(c => c.Value) }).ToDictionaryAsync(g => g.Creative, cancellationToken);
        var entries = new List<RepositoryEntry>();
        foreach (var row in page)
        {
            var creative = row.Creative;
            var sum = sums.GetValueOrDefault(creative.Digest!);
            entries.Add(new RepositoryEntry(creative.Digest!, creative.Facts, row.DisplayName, row.LegalName, await views.MediaAsync(creative, cancellationToken), sum?.First ?? creative.LastShownAt!.Value, creative.LastShownAt!.Value,
                [.. lines[creative.Id].OrderBy(l => l.StartsAt).ThenBy(l => l.Id).Select(l => new RepositoryTargets(l.StartsAt, l.EndsAt, l.Terms.Targets.Apps, l.Terms.Targets.Countries, l.Terms.Targets.Languages, l.Terms.Targets.AdultsOnly))],
                sum?.Shown >= LeastShown ? sum.Shown : 0));
        }
        return TypedResults.Ok(new AdRepository(entries, page.Count == PageLength ? page[^1].Creative.LastShownAt : null));
    }

    public static async Task<Results<NoContent, ProblemHttpResult>> HandleErase(string digest, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var rows = await db.Creatives.FromSql($"select * from creatives where digest = {digest} order by id for update").ToListAsync(cancellationToken);
        if (rows.Count == 0) return Problems.Of(ProblemCodes.NotFound);
        foreach (var creative in rows.Where(c => c.Erase(now)).ToList())
        {
            await db.SaveChangesAsync(cancellationToken);
            await DropCatalogs.OfCreativeAsync(db, creative.Id, now, cancellationToken);
        }
        return TypedResults.NoContent();
    }
}
