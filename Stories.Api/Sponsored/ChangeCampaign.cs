using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary><c>PUT /v1/ads/campaigns/{id}</c>: all of it at once. Archiving is for good.</summary>
internal static class ChangeCampaign
{
    public static async Task<Results<Ok<CampaignView>, ProblemHttpResult>> Handle(
        Guid id, CampaignRequest request, Caller caller, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (AdvertiserRules.FindInCampaign(request.Name, request.Objective, request.BudgetMicros) is { Count: > 0 } faults) return Booked.Faulty(faults);
        if (!request.NotPolitical) return Problems.Of(ProblemCodes.AdsPoliticalRefused);
        if (await Booked.TakeAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.NotFound);
        if (await Booked.TakeCampaignAsync(db, advertiser.Id, id, cancellationToken) is not { } campaign) return Problems.Of(ProblemCodes.NotFound);

        var (status, budget) = (campaign.Status, campaign.BudgetMicros);
        if (status == ConfiguredStatus.Archived) return Problems.Of(ProblemCodes.AdsArchived);
        if (!campaign.Change(request.Name, request.Objective, request.BudgetMicros)) return Problems.Of(ProblemCodes.AdsBudgetBelowSettled);
        if (request.Status is { } wished && !campaign.Configure(wished)) return Problems.Of(ProblemCodes.AdsStatusRefused);
        await db.SaveChangesAsync(cancellationToken);
        if (status != campaign.Status || budget != campaign.BudgetMicros) await DropCatalogs.OfCampaignAsync(db, id, clock.GetUtcNow(), cancellationToken);
        return TypedResults.Ok(ReadCampaigns.View(campaign));
    }
}
