using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary><c>POST …/submit</c> hands a creative in for review, <c>…/appeal</c> asks once more, <c>DELETE</c> withdraws it: it is handed out to nobody from the answer on.</summary>
internal static class SubmitCreative
{
    public static async Task<Results<Ok<CreativeView>, ProblemHttpResult>> Handle(
        Guid id, Caller caller, StoriesDb db, CreativeViews views, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (await FoundCreatives.TakeOwnAsync(db, caller.Name, id, cancellationToken) is not { } creative) return Problems.Of(ProblemCodes.NotFound);
        if (!creative.Submit(clock.GetUtcNow())) return Problems.Of(ProblemCodes.AdsCreativeState);
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Ok(await views.ViewAsync(creative, cancellationToken));
    }

    public static async Task<Results<Ok<CreativeView>, ProblemHttpResult>> HandleAppeal(
        Guid id, AppealRequest request, Caller caller, StoriesDb db, CreativeViews views, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (await FoundCreatives.TakeOwnAsync(db, caller.Name, id, cancellationToken) is not { } creative) return Problems.Of(ProblemCodes.NotFound);
        var faults = new FieldFaults();
        if (!faults.RequireText(request.Note, "note", CreativeRules.MaxNote)) return Booked.Faulty(faults.Found);
        // Once: a second refusal is the last word.
        if (await db.Reviews.AnyAsync(r => r.CreativeId == id && r.Decision == null, cancellationToken) || !creative.Appeal(now)) return Problems.Of(ProblemCodes.AdsCreativeState);
        db.Reviews.Add(Review.Appeal(id, request.Note, now));
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Ok(await views.ViewAsync(creative, cancellationToken));
    }

    public static async Task<Results<Ok<CreativeView>, ProblemHttpResult>> HandleWithdraw(
        Guid id, Caller caller, StoriesDb db, CreativeViews views, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (await FoundCreatives.TakeOwnAsync(db, caller.Name, id, cancellationToken) is not { } creative) return Problems.Of(ProblemCodes.NotFound);
        if (creative.Withdraw(now))
        {
            await db.SaveChangesAsync(cancellationToken);
            await DropCatalogs.OfCreativeAsync(db, id, now, cancellationToken);
        }
        return TypedResults.Ok(await views.ViewAsync(creative, cancellationToken));
    }
}
