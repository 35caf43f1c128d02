using System.Globalization;
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
/// <c>GET /v1/ads/repository</c>: everything that was shown within the last year, for anybody, without a token. <c>DELETE …/{digest}</c>: a reviewer has the
/// bytes erased now, because they may not lie anywhere; that it was shown stays known.
/// </summary>
internal static class ShowRepository
{
    private const int PageLength = 50;

    /// <summary>Fewer could be people.</summary>
    private const long LeastShown = 50;

    private static readonly TimeSpan KeptFor = TimeSpan.FromDays(365);

    public static async Task<Results<Ok<AdRepository>, ProblemHttpResult>> Handle(string? before, StoriesDb db, CreativeViews views, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (!Place.TryParse(before, out var place)) return Problems.Of(ProblemCodes.RequestInvalid);
        var since = clock.GetUtcNow() - KeptFor;
        // By when they were made, because that does not change while somebody turns the pages: what is being shown is shown anew each epoch.
        var page = await (
            from creative in db.Creatives
            where creative.LastShownAt > since && (creative.CreatedAt < place.At || (creative.CreatedAt == place.At && creative.Id.CompareTo(place.Id) > 0))
            join advertiser in db.Advertisers on creative.AdvertiserId equals advertiser.Id
            orderby creative.CreatedAt descending, creative.Id
            select new { Creative = creative, advertiser.DisplayName, advertiser.LegalName }).AsNoTracking().Take(PageLength).ToListAsync(cancellationToken);
        var shown = await ReadShownAsync(db, [.. page.Select(p => p.Creative)], cancellationToken);
        var entries = new List<RepositoryEntry>();
        foreach (var row in page)
        {
            var (creative, found) = (row.Creative, shown[row.Creative.Id]);
            entries.Add(new RepositoryEntry(creative.Digest!, creative.Facts, row.DisplayName, row.LegalName, await views.MediaAsync(creative, cancellationToken), found.First ?? creative.LastShownAt!.Value, creative.LastShownAt!.Value,
                [.. found.Lines.Select(l => new RepositoryTargets(l.StartsAt, l.EndsAt, l.Terms.Targets.Apps, l.Terms.Targets.Countries, l.Terms.Targets.Languages, l.Terms.Targets.AdultsOnly))],
                found.Count >= LeastShown ? found.Count : 0));
        }
        return TypedResults.Ok(new AdRepository(entries, page is { Count: PageLength } ? Place.Of(page[^1].Creative).ToString() : null));
    }

    /// <summary>By lines that have it now, and by those that are known to have shown it: a line's creatives change.</summary>
    private static async Task<Dictionary<Guid, Shown>> ReadShownAsync(StoriesDb db, IReadOnlyList<Creative> creatives, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. creatives.Select(c => c.Id)];
        Guid[] owners = [.. creatives.Select(c => c.AdvertiserId).Distinct()];
        string[] digests = [.. creatives.Select(c => c.Digest!).Distinct()];
        var lines = await db.Lines.AsNoTracking().Where(l => owners.Contains(l.AdvertiserId)).ToDictionaryAsync(l => l.Id, cancellationToken);
        Guid[] known = [.. lines.Keys];
        var having = (await db.LineCreatives.AsNoTracking().Where(c => ids.Contains(c.CreativeId)).ToListAsync(cancellationToken)).ToLookup(c => c.CreativeId, c => c.LineId);
        // With the lines, because that is how counts are found.
        var sums = (await db.Counts.Where(c => known.Contains(c.LineId) && digests.Contains(c.Creative) && c.Counter == Counters.Valid).GroupBy(c => new { c.Creative, c.LineId })
            .Select(g => new { g.Key.Creative, g.Key.LineId, First = g.Min(c => c.Hour), Count = g.Sum(c => c.Value) }).ToListAsync(cancellationToken)).ToLookup(s => s.Creative);
        return creatives.ToDictionary(c => c.Id, c =>
        {
            var counted = sums[c.Digest!].Where(s => lines[s.LineId].AdvertiserId == c.AdvertiserId).ToList();
            var found = having[c.Id].Union(counted.Select(s => s.LineId)).Where(lines.ContainsKey).Select(id => lines[id]);
            return new Shown([.. found.OrderBy(l => l.StartsAt).ThenBy(l => l.Id)], counted.Count > 0 ? counted.Min(s => s.First) : null, counted.Sum(s => s.Count));
        });
    }

    public static async Task<Results<NoContent, ProblemHttpResult>> HandleErase(string digest, ReviewReason? reason, Caller reviewer, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await db.Database.ExecuteSqlAsync($"select 1 from advertisers where id in (select advertiser_id from creatives where digest = {digest}) order by id for update", cancellationToken);
        var rows = await db.Creatives.FromSql($"select * from creatives where digest = {digest} order by id for update").ToListAsync(cancellationToken);
        if (rows.Count == 0) return Problems.Of(ProblemCodes.NotFound);
        Guid[] erased = [.. rows.Where(c => c.Erase(now)).Select(c => c.Id)];
        if (erased.Length == 0) return TypedResults.NoContent();
        db.Reviews.AddRange(erased.Select(id => Review.Decide(id, ReviewDecision.Erase, [reason is { } known && Enum.IsDefined(known) ? known : ReviewReason.Other], null, reviewer.Name, now)));
        await db.SaveChangesAsync(cancellationToken);
        await DropCatalogs.OfCreativesAsync(db, erased, now, cancellationToken);
        return TypedResults.NoContent();
    }

    private sealed record Shown(IReadOnlyList<Line> Lines, DateTimeOffset? First, long Count);

    /// <summary>Where a page ended.</summary>
    private sealed record Place(DateTimeOffset At, Guid Id)
    {
        public static Place Of(Creative creative) => new(creative.CreatedAt, creative.Id);

        /// <param name="text">Null: before everything.</param>
        public static bool TryParse(string? text, out Place place)
        {
            place = new Place(DateTimeOffset.MaxValue, Guid.Empty);
            if (text is null) return true;
            if (text.Split('-') is not [var ticks, var id] || !long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at) || at > DateTimeOffset.MaxValue.Ticks || !Guid.TryParseExact(id, "N", out var creative)) return false;
            place = new Place(new DateTimeOffset(at, TimeSpan.Zero), creative);
            return true;
        }

        public override string ToString() => $"{At.UtcTicks.ToString(CultureInfo.InvariantCulture)}-{Id:N}";
    }
}
