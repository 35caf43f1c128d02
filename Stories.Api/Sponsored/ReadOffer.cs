using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary>The caller's own offers.</summary>
internal static class ReadOffer
{
    private const int Most = 200;

    public static OfferView View(StoredOffer offer) => new(offer.Id, offer.State, offer.ExpiresAt, offer.Record);

    /// <summary>Those that expire last first.</summary>
    public static async Task<Ok<OfferList>> HandleAll(Caller caller, StoriesDb db, CancellationToken cancellationToken)
    {
        var offers = await Own(db, caller.Name).OrderByDescending(o => o.ExpiresAt).ThenBy(o => o.Id).Take(Most).ToListAsync(cancellationToken);
        return TypedResults.Ok(new OfferList([.. offers.Select(View)]));
    }

    public static async Task<Results<Ok<OfferView>, ProblemHttpResult>> Handle(Guid id, Caller caller, StoriesDb db, CancellationToken cancellationToken) =>
        await Own(db, caller.Name).FirstOrDefaultAsync(o => o.Id == id, cancellationToken) is { } offer ? TypedResults.Ok(View(offer)) : Problems.Of(ProblemCodes.NotFound);

    private static IQueryable<StoredOffer> Own(StoriesDb db, UserName owner) =>
        db.Offers.AsNoTracking().Where(o => db.Advertisers.Any(a => a.Id == o.AdvertiserId && a.App == owner.App && a.User == owner.User));
}
