using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary><c>POST /v1/ads/campaigns</c>.</summary>
internal static class FoundCampaign
{
    public static async Task<Results<Created<CampaignView>, ProblemHttpResult>> Handle(
        CampaignRequest request, Caller caller, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (AdvertiserRules.FindInCampaign(request.Name, request.Objective, request.BudgetMicros) is { Count: > 0 } faults) return Booked.Faulty(faults);
        if (!request.NotPolitical) return Problems.Of(ProblemCodes.AdsPoliticalRefused);
        if (await Booked.TakeAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.AdsAdvertiserMissing);
        if (advertiser.State == AdvertiserState.Closed) return Problems.Of(ProblemCodes.AdsAdvertiserClosed);
        if (await db.Campaigns.CountAsync(c => c.AdvertiserId == advertiser.Id, cancellationToken) >= AdvertiserRules.MaxCampaigns) return Problems.Of(ProblemCodes.AdsTooMany);

        var campaign = Campaign.Found(Guid.NewGuid(), advertiser.Id, request.Name, request.Objective, request.BudgetMicros, clock.GetUtcNow());
        if (request.Status is { } status && !campaign.Configure(status)) return Problems.Of(ProblemCodes.AdsStatusRefused);
        db.Campaigns.Add(campaign);
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Created($"/v1/ads/campaigns/{campaign.Id}", ReadCampaigns.View(campaign));
    }
}
