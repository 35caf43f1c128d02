using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary><c>POST /v1/ads/lines:forecast</c>: what terms would bring; changes nothing.</summary>
internal static class ForecastLine
{
    /// <summary>Terms alone have no name, and everything else of a line is judged.</summary>
    private const string AnyName = "forecast";

    public static async Task<Results<Ok<ForecastView>, ProblemHttpResult>> Handle(
        ForecastRequest request, Caller caller, StoriesDb db, LineProspects prospects, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (await Booked.FindAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.AdsAdvertiserMissing);
        if (LineRules.Find(AnyName, request.Terms) is { Count: > 0 } faults) return Booked.Faulty(faults);
        var own = request.Line is null ? null : await db.Lines.AsNoTracking().FirstOrDefaultAsync(l => l.Id == request.Line && l.AdvertiserId == advertiser.Id, cancellationToken);
        if (own is null && request.Line is not null) return Problems.Of(ProblemCodes.NotFound);

        var (forecast, learnedDays) = await prospects.ForecastAsync(request.Terms, own, clock.GetUtcNow(), cancellationToken);
        var balance = await db.Wallets.Where(w => w.AdvertiserId == advertiser.Id).Select(w => w.Balance).SingleAsync(cancellationToken);
        return TypedResults.Ok(View(forecast, request.Terms, own?.Billed ?? 0, balance, learnedDays));
    }

    private static ForecastView View(Forecast forecast, LineTerms terms, long billed, long balance, int learnedDays)
    {
        var deliverable = Whole(forecast.Deliverable);
        var micros = Cost.Of(billed + deliverable, terms.PriceMicros) - Cost.Of(billed, terms.PriceMicros);
        IReadOnlyList<ForecastWarning> warnings = micros > balance ? [.. forecast.Warnings, ForecastWarning.NotEnoughFunds] : forecast.Warnings;
        return new ForecastView(
            Whole(forecast.Wanted), deliverable, Whole(forecast.Available), Whole(forecast.Opportunities),
            forecast.Opportunities > 0 ? (int)Math.Round(forecast.Available * 1000 / forecast.Opportunities) : 0, micros, forecast.IsFeasible, warnings, learnedDays,
            [.. forecast.Days.Select(d => new ForecastDayView(d.Day, Whole(d.Opportunities), Whole(d.Available), Whole(d.Wanted), Whole(d.Deliverable)))]);
    }

    private static long? Whole(double? views) => views is { } there ? Whole(there) : null;

    /// <summary>Rounding up would promise what may not be there; but what is whole comes out of its sums a hair below.</summary>
    private static long Whole(double views) => (long)Math.Floor(Math.Min(views, 1e15) + 1e-6);
}
