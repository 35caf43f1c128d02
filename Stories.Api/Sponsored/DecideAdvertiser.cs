using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary>
/// <c>POST /v1/ads/advertisers/{id}/decision</c>: an operator has verified who it is, or stops it: nothing of a suspended advertiser is
/// handed out from the moment of the answer on. The answer is kept for repetitions, and so names nobody.
/// </summary>
internal static class DecideAdvertiser
{
    public static async Task<Results<Ok<AdvertiserStanding>, ProblemHttpResult>> Handle(
        Guid id, DecisionRequest request, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (await Booked.TakeAdvertiserAsync(db, id, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.NotFound);
        if (advertiser.State == Stories.Protocol.Sponsored.AdvertiserState.Closed) return Problems.Of(ProblemCodes.AdsAdvertiserClosed);
        var now = clock.GetUtcNow();
        if (request.Decision == AdvertiserDecision.Verify ? advertiser.Verify(now) : advertiser.Suspend(now))
        {
            await db.SaveChangesAsync(cancellationToken);
            await DropCatalogs.OfAdvertiserAsync(db, id, now, cancellationToken);
        }
        return TypedResults.Ok(new AdvertiserStanding(advertiser.Id, advertiser.State, advertiser.DecidedAt));
    }
}
