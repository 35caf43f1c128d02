using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary>The caller's own campaigns.</summary>
internal static class ReadCampaigns
{
    public static CampaignView View(Campaign campaign) => new(
        campaign.Id, campaign.Name, campaign.Objective, campaign.Status, campaign.BudgetMicros, campaign.SettledMicros, campaign.CreatedAt);

    public static async Task<Ok<CampaignList>> HandleAll(Caller caller, StoriesDb db, CancellationToken cancellationToken) =>
        TypedResults.Ok(new CampaignList([.. (await Own(db, caller.Name).OrderBy(c => c.CreatedAt).ThenBy(c => c.Id).ToListAsync(cancellationToken)).Select(View)]));

    public static async Task<Results<Ok<CampaignView>, ProblemHttpResult>> Handle(Guid id, Caller caller, StoriesDb db, CancellationToken cancellationToken) =>
        await Own(db, caller.Name).FirstOrDefaultAsync(c => c.Id == id, cancellationToken) is { } campaign ? TypedResults.Ok(View(campaign)) : Problems.Of(ProblemCodes.NotFound);

    private static IQueryable<Campaign> Own(StoriesDb db, UserName owner) =>
        db.Campaigns.AsNoTracking().Where(c => db.Advertisers.Any(a => a.Id == c.AdvertiserId && a.App == owner.App && a.User == owner.User));
}
