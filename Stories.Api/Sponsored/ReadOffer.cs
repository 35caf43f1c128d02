using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary><c>GET /v1/ads/offers/{id}</c>: one of the caller's own.</summary>
internal static class ReadOffer
{
    public static OfferView View(StoredOffer offer) => new(offer.Id, offer.State, offer.ExpiresAt, offer.Record);

    public static async Task<Results<Ok<OfferView>, ProblemHttpResult>> Handle(Guid id, Caller caller, StoriesDb db, CancellationToken cancellationToken)
    {
        var owner = caller.Name;
        var offer = await db.Offers.AsNoTracking()
            .FirstOrDefaultAsync(o => o.Id == id && db.Advertisers.Any(a => a.Id == o.AdvertiserId && a.App == owner.App && a.User == owner.User), cancellationToken);
        return offer is null ? Problems.Of(ProblemCodes.NotFound) : TypedResults.Ok(View(offer));
    }
}
