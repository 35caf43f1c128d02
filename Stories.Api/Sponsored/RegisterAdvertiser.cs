using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary><c>PUT /v1/ads/advertiser</c>: an account becomes an advertiser, with a wallet, or changes what is known of it.</summary>
internal static class RegisterAdvertiser
{
    public static async Task<Results<Created<AdvertiserView>, Ok<AdvertiserView>, ProblemHttpResult>> Handle(
        AdvertiserRequest request, Caller caller, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var faults = AdvertiserRules.Find(request.LegalName, request.DisplayName, request.Country, request.Contact, request.Currency, request.OfferKey);
        if (faults.Count > 0) return Booked.Faulty(faults);
        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({"advertiser of " + caller.Name}, 0))", cancellationToken);
        var now = clock.GetUtcNow();
        if (await Booked.TakeAdvertiserAsync(db, caller.Name, cancellationToken) is { } earlier) return await ChangeAsync(db, earlier, request, now, cancellationToken);

        var advertiser = Advertiser.Register(Guid.NewGuid(), caller.Name, request.LegalName, request.DisplayName, request.Country, request.Contact, request.OfferKey, now);
        var wallet = Wallet.Open(advertiser.Id, request.Currency);
        db.Advertisers.Add(advertiser);
        db.Wallets.Add(wallet);
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Created("/v1/ads/advertiser", ReadAdvertisers.View(advertiser, wallet));
    }

    private static async Task<Results<Created<AdvertiserView>, Ok<AdvertiserView>, ProblemHttpResult>> ChangeAsync(
        StoriesDb db, Advertiser advertiser, AdvertiserRequest request, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var wallet = await db.Wallets.AsNoTracking().SingleAsync(w => w.AdvertiserId == advertiser.Id, cancellationToken);
        if (wallet.Currency != request.Currency) return Problems.Of(ProblemCodes.AdsCurrencyFixed);
        var isKeyKept = (advertiser.OfferKey ?? []).AsSpan().SequenceEqual(request.OfferKey ?? []);
        var (state, name) = (advertiser.State, advertiser.DisplayName);
        if (!advertiser.Change(request.LegalName, request.DisplayName, request.Country, request.Contact, request.OfferKey, now)) return Problems.Of(ProblemCodes.AdsAdvertiserClosed);
        await db.SaveChangesAsync(cancellationToken);
        // What another key signed, or says another name, no device takes any more.
        if (!isKeyKept || name != advertiser.DisplayName)
        {
            await db.Offers.Where(o => o.AdvertiserId == advertiser.Id && o.State == OfferState.Live)
                .ExecuteUpdateAsync(set => set.SetProperty(o => o.State, OfferState.Revoked), cancellationToken);
        }
        if (!isKeyKept || name != advertiser.DisplayName || state != advertiser.State) await DropCatalogs.OfAdvertiserAsync(db, advertiser.Id, now, cancellationToken);
        return TypedResults.Ok(ReadAdvertisers.View(advertiser, wallet));
    }
}
