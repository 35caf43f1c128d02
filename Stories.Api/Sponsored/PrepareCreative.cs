using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary><c>POST /v1/ads/creatives</c>: a draft. <c>PUT …/facts</c> changes it while it is one; after that another creative is needed.</summary>
internal static class PrepareCreative
{
    public static async Task<Results<Created<CreativeView>, ProblemHttpResult>> Handle(
        CreativeRequest request, Caller caller, StoriesDb db, CreativeViews views, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (await Booked.TakeAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.AdsAdvertiserMissing);
        if (advertiser.State == AdvertiserState.Closed) return Problems.Of(ProblemCodes.AdsAdvertiserClosed);
        if (CreativeRules.Find(request.Facts) is { Count: > 0 } faults) return Booked.Faulty(faults);
        if (await db.Creatives.CountAsync(c => c.AdvertiserId == advertiser.Id, cancellationToken) >= CreativeRules.MaxCreatives) return Problems.Of(ProblemCodes.AdsTooMany);
        var creative = Creative.Prepare(Guid.NewGuid(), advertiser.Id, request.Facts, clock.GetUtcNow());
        db.Creatives.Add(creative);
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Created($"/v1/ads/creatives/{creative.Id}", await views.ViewAsync(creative, cancellationToken));
    }

    public static async Task<Results<Ok<CreativeView>, ProblemHttpResult>> HandleFacts(
        Guid id, CreativeRequest request, Caller caller, StoriesDb db, CreativeViews views, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (await FoundCreatives.TakeOwnAsync(db, caller.Name, id, cancellationToken) is not { } creative) return Problems.Of(ProblemCodes.NotFound);
        if (CreativeRules.Find(request.Facts) is { Count: > 0 } faults) return Booked.Faulty(faults);
        // An archived line shows nothing, and never will.
        var terms = await db.Lines.Where(l => l.Status != ConfiguredStatus.Archived && db.LineCreatives.Any(c => c.LineId == l.Id && c.CreativeId == id)).Select(l => l.Terms).ToListAsync(cancellationToken);
        if (!terms.TrueForAll(t => LineRules.MayShow(t, request.Facts)))
            return Booked.Faulty([new FieldFault("disclosures.adultsOnly", FieldFaultCode.NotAllowed, "A line that has it is for everybody: make its targets adults only first, or give it another creative.")]);
        if (!creative.Change(request.Facts, clock.GetUtcNow())) return Problems.Of(ProblemCodes.AdsCreativeState);
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Ok(await views.ViewAsync(creative, cancellationToken));
    }
}
