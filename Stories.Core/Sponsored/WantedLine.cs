using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>A line, booked or only thought of, with what it may still show.</summary>
/// <param name="Windows">Of its whole life.</param>
/// <param name="Left">Views: of its life, or of today; endless for what costs nothing.</param>
/// <param name="EachDay">Views of each later day, for a daily budget.</param>
public sealed record WantedLine(LineTerms Terms, IReadOnlyList<Window> Windows, double Left, double EachDay)
{
    public bool IsEndless => double.IsInfinity(Left);

    /// <param name="daySettled">Micros of today, in its zone.</param>
    public static WantedLine Of(Line line, IReadOnlyList<Window> windows, long daySettled) => Of(line.Terms, windows, line.Billed, line.SettledMicros, daySettled);

    /// <summary>A booked line under other terms.</summary>
    public static WantedLine Of(Line line, LineTerms terms, long daySettled) => Of(terms, Schedule.Windows(terms, terms.StartsAt, terms.EndsAt), line.Billed, line.SettledMicros, daySettled);

    /// <summary>As if nothing were shown yet.</summary>
    public static WantedLine Of(LineTerms terms) => Of(terms, Schedule.Windows(terms, terms.StartsAt, terms.EndsAt), 0, 0, 0);

    /// <summary>What it would cost until some moment, if it had all it wants.</summary>
    public double MicrosUntil(DateTimeOffset until, DateTimeOffset now)
    {
        if (IsEndless) return 0;
        var from = Terms.StartsAt > now ? Terms.StartsAt : now;
        var to = Terms.EndsAt < until ? Terms.EndsAt : until;
        var later = Terms.BudgetKind == BudgetKind.Daily && to > from ? Math.Ceiling((to - from).TotalDays) - 1 : 0;
        return (Left + later * EachDay) * Terms.PriceMicros / 1000;
    }

    private static WantedLine Of(LineTerms terms, IReadOnlyList<Window> windows, long billed, long settled, long daySettled)
    {
        if (terms.PriceMicros == 0 || terms.Tier == Tier.House) return new WantedLine(terms, windows, double.PositiveInfinity, double.PositiveInfinity);
        var left = terms.BudgetMicros - (terms.BudgetKind == BudgetKind.Daily ? daySettled : settled);
        return new WantedLine(terms, windows, Cost.Affordable(billed, terms.PriceMicros, left), Cost.Affordable(0, terms.PriceMicros, terms.BudgetMicros));
    }
}
