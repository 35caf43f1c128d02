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
/// <c>PUT /v1/ads/lines/{id}/terms</c>, <c>…/status</c>, <c>…/creatives</c>: whatever is changed, catalogs that hold the line as it was are
/// not handed out from the moment of the answer on.
/// </summary>
internal static class ChangeLine
{
    public static async Task<Results<Ok<LineView>, ProblemHttpResult>> HandleTerms(
        Guid id, LineTermsRequest request, Caller caller, StoriesDb db, LineStandings standings, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (LineRules.Find(request.Name, request.Terms) is { Count: > 0 } faults) return Booked.Faulty(faults);
        if (await TakeAsync(db, caller.Name, id, cancellationToken) is not { } line) return Problems.Of(ProblemCodes.NotFound);
        var creatives = await db.LineCreatives.Where(c => c.LineId == id).Select(c => c.CreativeId).ToListAsync(cancellationToken);
        var facts = (await db.Creatives.AsNoTracking().Where(c => creatives.Contains(c.Id)).ToListAsync(cancellationToken)).Select(c => c.Facts);
        if (!facts.All(f => LineRules.MayShow(request.Terms, f)))
            return Booked.Faulty([new FieldFault("terms.targets.adultsOnly", FieldFaultCode.NotAllowed, "A creative of the line is for adults only: so must be its targets.")]);

        var now = clock.GetUtcNow();
        var refusal = line.Change(request.Name, request.Terms, now) switch
        {
            LineChange.Archived => ProblemCodes.AdsArchived,
            LineChange.PriceFixed => ProblemCodes.AdsPriceFixed,
            LineChange.BudgetKindFixed => ProblemCodes.AdsBudgetKindFixed,
            LineChange.BudgetBelowSettled => ProblemCodes.AdsBudgetBelowSettled,
            _ => null,
        };
        if (refusal is not null) return Problems.Of(refusal);
        await db.SaveChangesAsync(cancellationToken);
        if (line.BudgetKind == BudgetKind.Daily)
        {
            // What the day has had already stays settled.
            var (today, budget) = (Schedule.DayOf(line.Terms, now), line.BudgetMicros);
            await db.LineDays.Where(d => d.LineId == id && d.Day >= today)
                .ExecuteUpdateAsync(set => set.SetProperty(d => d.BudgetMicros, d => d.SettledMicros > budget ? d.SettledMicros : budget), cancellationToken);
        }
        return await DoneAsync(db, line, standings, now, cancellationToken);
    }

    public static async Task<Results<Ok<LineView>, ProblemHttpResult>> HandleStatus(
        Guid id, LineStatusRequest request, Caller caller, StoriesDb db, LineStandings standings, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (await TakeAsync(db, caller.Name, id, cancellationToken) is not { } line) return Problems.Of(ProblemCodes.NotFound);
        var now = clock.GetUtcNow();
        if (line.Status == ConfiguredStatus.Archived && request.Status != ConfiguredStatus.Archived) return Problems.Of(ProblemCodes.AdsArchived);
        if (!LineRules.MayBecome(line, request.Status, now)) return Problems.Of(ProblemCodes.AdsLineEnded);
        if (!line.Configure(request.Status, now)) return Problems.Of(ProblemCodes.AdsStatusRefused);
        await db.SaveChangesAsync(cancellationToken);
        return await DoneAsync(db, line, standings, now, cancellationToken);
    }

    public static async Task<Results<Ok<LineView>, ProblemHttpResult>> HandleCreatives(
        Guid id, LineCreativesRequest request, Caller caller, StoriesDb db, LineStandings standings, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (await TakeAsync(db, caller.Name, id, cancellationToken) is not { } line) return Problems.Of(ProblemCodes.NotFound);
        if (line.Status == ConfiguredStatus.Archived) return Problems.Of(ProblemCodes.AdsArchived);
        if (await Booked.FindCreativeFaultsAsync(db, line.AdvertiserId, line.Terms, request.Creatives, cancellationToken) is { Count: > 0 } faults) return Booked.Faulty(faults);
        await db.LineCreatives.Where(c => c.LineId == id).ExecuteDeleteAsync(cancellationToken);
        db.LineCreatives.AddRange(request.Creatives.Select(creative => LineCreative.Of(id, creative)));
        var now = clock.GetUtcNow();
        line.Touch(now);
        await db.SaveChangesAsync(cancellationToken);
        return await DoneAsync(db, line, standings, now, cancellationToken);
    }

    private static async Task<Line?> TakeAsync(StoriesDb db, UserName owner, Guid id, CancellationToken cancellationToken) =>
        await Booked.TakeAdvertiserAsync(db, owner, cancellationToken) is { } advertiser ? await Booked.TakeLineAsync(db, advertiser.Id, id, cancellationToken) : null;

    private static async Task<Ok<LineView>> DoneAsync(StoriesDb db, Line line, LineStandings standings, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await DropCatalogs.OfLineAsync(db, line.Id, now, cancellationToken);
        return TypedResults.Ok(await standings.ViewAsync(line, cancellationToken));
    }
}
