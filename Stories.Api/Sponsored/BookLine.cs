using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary><c>POST /v1/ads/lines</c>: a draft. <c>POST /v1/ads/lines:validate</c>: what that would be refused for, and nothing else.</summary>
internal static class BookLine
{
    public static async Task<Results<Created<LineView>, ProblemHttpResult>> Handle(
        LineRequest request, Caller caller, StoriesDb db, LineStandings standings, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (await Booked.TakeAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.AdsAdvertiserMissing);
        if (advertiser.State == AdvertiserState.Closed) return Problems.Of(ProblemCodes.AdsAdvertiserClosed);
        if (await FindFaultsAsync(db, advertiser.Id, request, cancellationToken) is { Count: > 0 } faults) return Booked.Faulty(faults);
        var campaign = (await Booked.TakeCampaignAsync(db, advertiser.Id, request.Campaign, cancellationToken))!;
        if (campaign.Status == ConfiguredStatus.Archived) return Problems.Of(ProblemCodes.AdsArchived);
        if (await db.Lines.CountAsync(l => l.AdvertiserId == advertiser.Id, cancellationToken) >= LineRules.MaxLines) return Problems.Of(ProblemCodes.AdsTooMany);

        var line = Line.Book(Guid.NewGuid(), campaign, request.Name, request.Terms, clock.GetUtcNow());
        db.Lines.Add(line);
        db.LineCreatives.AddRange((request.Creatives ?? []).Select(creative => LineCreative.Of(line.Id, creative)));
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Created($"/v1/ads/lines/{line.Id}", await standings.ViewAsync(line, cancellationToken));
    }

    public static async Task<Results<Ok<LineCheck>, ProblemHttpResult>> HandleCheck(LineRequest request, Caller caller, StoriesDb db, CancellationToken cancellationToken)
    {
        if (await Booked.FindAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.AdsAdvertiserMissing);
        var faults = await FindFaultsAsync(db, advertiser.Id, request, cancellationToken);
        return TypedResults.Ok(new LineCheck(faults.Count == 0, faults));
    }

    private static async Task<IReadOnlyList<FieldFault>> FindFaultsAsync(StoriesDb db, Guid advertiser, LineRequest request, CancellationToken cancellationToken)
    {
        var faults = LineRules.Find(request.Name, request.Terms).ToList();
        if (!await db.Campaigns.AnyAsync(c => c.Id == request.Campaign && c.AdvertiserId == advertiser, cancellationToken))
            faults.Add(new FieldFault("campaign", FieldFaultCode.Unknown, "The id of a campaign of your own."));
        // Terms that are none say nothing about who may see what.
        if (faults.Count == 0) faults.AddRange(await Booked.FindCreativeFaultsAsync(db, advertiser, request.Terms, request.Creatives ?? [], cancellationToken));
        return faults;
    }
}
