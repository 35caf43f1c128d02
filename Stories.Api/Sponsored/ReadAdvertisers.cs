using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>An advertiser with its wallet, for its owner; those of a state, for operators who verify them.</summary>
internal static class ReadAdvertisers
{
    private const int Most = 500;

    public static AdvertiserView View(Advertiser advertiser, Wallet wallet) => new(
        advertiser.Id, advertiser.LegalName, advertiser.DisplayName, advertiser.Country, advertiser.Contact, advertiser.OfferKey, advertiser.State, advertiser.CreatedAt, advertiser.DecidedAt,
        new WalletView(wallet.Currency, wallet.Balance));

    public static async Task<Results<Ok<AdvertiserView>, ProblemHttpResult>> HandleOwn(Caller caller, StoriesDb db, CancellationToken cancellationToken)
    {
        if (await Booked.FindAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.NotFound);
        return TypedResults.Ok(View(advertiser, await db.Wallets.AsNoTracking().SingleAsync(w => w.AdvertiserId == advertiser.Id, cancellationToken)));
    }

    /// <summary>Those that have waited longest first.</summary>
    public static async Task<Ok<AdvertiserList>> HandleAll(AdvertiserState? state, StoriesDb db, CancellationToken cancellationToken)
    {
        var rows = await (
            from advertiser in db.Advertisers.AsNoTracking()
            join wallet in db.Wallets.AsNoTracking() on advertiser.Id equals wallet.AdvertiserId
            where state == null || advertiser.State == state
            orderby advertiser.CreatedAt, advertiser.Id
            select new { advertiser, wallet }).Take(Most).ToListAsync(cancellationToken);
        return TypedResults.Ok(new AdvertiserList([.. rows.Select(r => View(r.advertiser, r.wallet))]));
    }
}
