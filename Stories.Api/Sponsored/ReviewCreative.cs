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
/// <c>GET /v1/ads/reviews</c>: what waits. <c>POST /v1/ads/reviews/{creative}</c>: a decision about exactly the digest that was looked at, because no creative
/// changes after it was made. Nobody decides about the own account's, and nobody about an appeal against the own decision.
/// </summary>
internal static class ReviewCreative
{
    private const int QueueLength = 100;

    public static async Task<Ok<ReviewQueue>> HandleQueue(StoriesDb db, CreativeViews views, CancellationToken cancellationToken)
    {
        var waiting = await (
            from creative in db.Creatives
            where creative.State == CreativeState.InReview
            join advertiser in db.Advertisers on creative.AdvertiserId equals advertiser.Id
            orderby creative.ChangedAt
            select new { Creative = creative, advertiser.DisplayName, advertiser.LegalName, advertiser.Country }).AsNoTracking().Take(QueueLength).ToListAsync(cancellationToken);
        var seen = await views.ViewAsync([.. waiting.Select(w => w.Creative)], cancellationToken);
        return TypedResults.Ok(new ReviewQueue([.. waiting.Zip(seen, (w, view) => new ReviewItem(view, w.DisplayName, w.LegalName, w.Country))]));
    }

    public static async Task<Results<Ok<CreativeView>, ProblemHttpResult>> Handle(
        Guid creative, ReviewRequest request, Caller reviewer, StoriesDb db, CreativeViews views, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var faults = new FieldFaults();
        var isApproval = request.Decision == ReviewDecision.Approve;
        faults.Require(isApproval ? request.Reasons is null or [] : request.Reasons is { Count: > 0 and <= 5 } reasons && reasons.All(Enum.IsDefined), "reasons", FieldFaultCode.Missing, "One to five, and none with an approval.");
        faults.Require(request.Decision is ReviewDecision.Approve or ReviewDecision.Reject or ReviewDecision.Suspend, "decision", FieldFaultCode.NotAllowed, "To approve, reject or suspend; bytes are erased by deleting from the repository.");
        if (request.Note is not null) faults.RequireText(request.Note, "note", CreativeRules.MaxNote);
        if (faults.Found.Count > 0) return Booked.Faulty(faults.Found);

        if (await FoundCreatives.TakeAnyAsync(db, creative, cancellationToken) is not var (row, advertiser) || row.State is not (CreativeState.InReview or CreativeState.Approved or CreativeState.Suspended))
            return Problems.Of(ProblemCodes.NotFound);
        if (advertiser.IsOwnedBy(reviewer.Name)) return Problems.Of(ProblemCodes.AdsOwnReview);
        var earlier = await db.Reviews.AsNoTracking().Where(r => r.CreativeId == creative).OrderBy(r => r.At).ToListAsync(cancellationToken);
        if (row.State == CreativeState.InReview && earlier.Exists(r => r.Decision is null) && earlier.Exists(r => r.Reviewer == reviewer.Name.ToString())) return Problems.Of(ProblemCodes.AdsOwnReview);
        var done = request.Decision switch
        {
            ReviewDecision.Approve => row.Approve(now),
            ReviewDecision.Reject => row.Reject(now),
            ReviewDecision.Suspend => row.Suspend(now),
            _ => false,
        };
        if (!done) return Problems.Of(ProblemCodes.AdsCreativeState);
        db.Reviews.Add(Review.Decide(creative, request.Decision, [.. request.Reasons ?? []], request.Note, reviewer.Name, now));
        await db.SaveChangesAsync(cancellationToken);
        // Approved, its lines may be planned; stopped, they are handed out to nobody from the answer on.
        await DropCatalogs.OfCreativeAsync(db, creative, now, cancellationToken);
        return TypedResults.Ok(await views.ViewAsync(row, cancellationToken));
    }
}
