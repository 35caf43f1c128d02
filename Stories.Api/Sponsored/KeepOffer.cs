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
/// <c>PUT /v1/ads/offers/{id}</c>: what the merchant signed, kept as it was signed; another price is another offer.
/// <c>DELETE</c> revokes it: catalogs with it are not handed out from then on.
/// </summary>
internal static class KeepOffer
{
    public static async Task<Results<Created<OfferView>, Ok<OfferView>, ProblemHttpResult>> Handle(
        Guid id, SignedRecord request, Caller caller, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (request is not { Bytes: not null, Signature: not null, Key: not null }) return Problems.Of(ProblemCodes.RequestInvalid);
        if (await Booked.TakeAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.AdsAdvertiserMissing);
        if (advertiser.State == AdvertiserState.Closed) return Problems.Of(ProblemCodes.AdsAdvertiserClosed);
        if (advertiser.OfferKey is not { } key) return Problems.Of(ProblemCodes.AdsOfferKeyMissing);
        var now = clock.GetUtcNow();
        if (Offer.FindFault(request, key, id, now, out var offer) is { } fault)
        {
            return Problems.Of(fault switch
            {
                OfferFault.NotSigned => ProblemCodes.AdsOfferNotSigned,
                OfferFault.Expired => ProblemCodes.AdsOfferExpired,
                _ => ProblemCodes.AdsOfferMalformed,
            });
        }
        if (request.Key != SigningKey.IdOf(key)) return Problems.Of(ProblemCodes.AdsOfferMalformed);
        if (AdvertiserRules.FindInOffer(offer!, advertiser, now) is { Count: > 0 } faults) return Booked.Faulty(faults);

        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({$"offer {id:N}"}, 0))", cancellationToken);
        if (await db.Offers.AsNoTracking().FirstOrDefaultAsync(o => o.Id == id, cancellationToken) is { } earlier)
            return earlier.AdvertiserId == advertiser.Id && earlier.Bytes.AsSpan().SequenceEqual(request.Bytes) ? TypedResults.Ok(ReadOffer.View(earlier)) : Problems.Of(ProblemCodes.AdsOfferIdTaken);
        var stored = StoredOffer.Of(offer!, request);
        db.Offers.Add(stored);
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Created($"/v1/ads/offers/{id}", ReadOffer.View(stored));
    }

    public static async Task<Results<Ok<OfferView>, ProblemHttpResult>> HandleRevoke(Guid id, Caller caller, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (await Booked.TakeAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.NotFound);
        if (await db.Offers.FirstOrDefaultAsync(o => o.Id == id && o.AdvertiserId == advertiser.Id, cancellationToken) is not { } offer) return Problems.Of(ProblemCodes.NotFound);
        if (offer.Revoke())
        {
            await db.SaveChangesAsync(cancellationToken);
            await DropCatalogs.OfOfferAsync(db, id, clock.GetUtcNow(), cancellationToken);
        }
        return TypedResults.Ok(ReadOffer.View(offer));
    }
}
