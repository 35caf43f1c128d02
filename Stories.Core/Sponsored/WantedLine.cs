using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>A line, booked or only thought of, with what it may still show.</summary>
/// <param name="Windows">Of its whole life.</param>
/// <param name="Left">Views: of its life, or of today; endless for what costs nothing.</param>
/// <param name="EachDay">Views of each later day, for a daily budget.</param>
public sealed record WantedLine(LineTerms Terms, IReadOnlyList<Window> Windows, double Left, double EachDay)
{
    public bool IsEndless => double.IsInfinity(Left);

    /// <param name="billed">Views so far: the price of the next depends on it.</param>
    /// <param name="settled">Micros so far.</param>
    /// <param name="daySettled">Micros of today, in its zone.</param>
    public static WantedLine Of(LineTerms terms, long billed, long settled, long daySettled)
    {
        var windows = Schedule.Windows(terms, terms.StartsAt, terms.EndsAt);
        if (terms.PriceMicros == 0 || terms.Tier == Tier.House) return new WantedLine(terms, windows, double.PositiveInfinity, double.PositiveInfinity);
        var left = terms.BudgetMicros - (terms.BudgetKind == BudgetKind.Daily ? daySettled : settled);
        return new WantedLine(terms, windows, Cost.Affordable(billed, terms.PriceMicros, left), Cost.Affordable(0, terms.PriceMicros, terms.BudgetMicros));
    }
}
