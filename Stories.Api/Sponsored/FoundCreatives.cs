using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary><c>GET /v1/ads/creatives</c> and <c>…/{id}</c>: the caller's own; somebody else's is not found.</summary>
internal static class FoundCreatives
{
    public static async Task<Results<Ok<CreativeList>, ProblemHttpResult>> HandleAll(Caller caller, StoriesDb db, CreativeViews views, CancellationToken cancellationToken)
    {
        if (await Booked.FindAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.AdsAdvertiserMissing);
        var creatives = await db.Creatives.AsNoTracking().Where(c => c.AdvertiserId == advertiser.Id).OrderBy(c => c.CreatedAt).ThenBy(c => c.Id).ToListAsync(cancellationToken);
        return TypedResults.Ok(new CreativeList(await views.ViewAsync(creatives, cancellationToken)));
    }

    public static async Task<Results<Ok<CreativeView>, ProblemHttpResult>> Handle(Guid id, Caller caller, StoriesDb db, CreativeViews views, CancellationToken cancellationToken)
    {
        if (await Booked.FindAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.NotFound);
        return await db.Creatives.AsNoTracking().SingleOrDefaultAsync(c => c.Id == id && c.AdvertiserId == advertiser.Id, cancellationToken) is { } creative
            ? TypedResults.Ok(await views.ViewAsync(creative, cancellationToken))
            : Problems.Of(ProblemCodes.NotFound);
    }

    /// <summary>For a change: the row stays as it is until the caller's transaction ends.</summary>
    public static async Task<Creative?> TakeOwnAsync(StoriesDb db, UserName owner, Guid id, CancellationToken cancellationToken) =>
        await Booked.TakeAdvertiserAsync(db, owner, cancellationToken) is { } advertiser && await TakeAsync(db, id, cancellationToken) is { } creative && creative.AdvertiserId == advertiser.Id ? creative : null;

    /// <summary>Anybody's, with its advertiser.</summary>
    public static async Task<(Creative Creative, Advertiser Advertiser)?> TakeAnyAsync(StoriesDb db, Guid id, CancellationToken cancellationToken)
    {
        var owner = await db.Creatives.Where(c => c.Id == id).Select(c => c.AdvertiserId).FirstOrDefaultAsync(cancellationToken);
        return await Booked.TakeAdvertiserAsync(db, owner, cancellationToken) is { } advertiser && await TakeAsync(db, id, cancellationToken) is { } creative ? (creative, advertiser) : null;
    }

    private static async Task<Creative?> TakeAsync(StoriesDb db, Guid id, CancellationToken cancellationToken) =>
        (await db.Creatives.FromSql($"select * from creatives where id = {id} for update").ToListAsync(cancellationToken)).SingleOrDefault();
}
