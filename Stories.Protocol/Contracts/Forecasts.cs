using Stories.Protocol.Sponsored;

namespace Stories.Protocol.Contracts;

/// <param name="Terms">Booked, or only thought of.</param>
/// <param name="Line">One of your own that has these terms, or would: what it has shown counts, and it does not stand against itself.</param>
public sealed record ForecastRequest(LineTerms Terms, Guid? Line = null);

/// <summary>What a line would get until its end, by what is known now. Caps are not in it: devices keep them to themselves.</summary>
/// <param name="Wanted">Views that the budget pays for; null for what costs nothing.</param>
/// <param name="Deliverable">Views that it would get.</param>
/// <param name="Available">Places that higher tiers and the shares of others leave to it.</param>
/// <param name="Opportunities">All places before its people in its hours.</param>
/// <param name="SharePerMille">Of these, how many are available.</param>
/// <param name="DeliverableMicros">What the deliverable views would cost.</param>
/// <param name="IsFeasible">At least 1.15 times what is wanted is available, on each whole day of a daily budget too.</param>
/// <param name="Warnings">Empty: nothing stands against it.</param>
/// <param name="LearnedDays">Of how many days the people are known; at most 35.</param>
/// <param name="Days">Of the line's zone, those in which it has any time.</param>
public sealed record ForecastView(
    long? Wanted,
    long Deliverable,
    long Available,
    long Opportunities,
    int SharePerMille,
    long DeliverableMicros,
    bool IsFeasible,
    IReadOnlyList<ForecastWarning> Warnings,
    int LearnedDays,
    IReadOnlyList<ForecastDayView> Days);

public sealed record ForecastDayView(DateOnly Day, long Opportunities, long Available, long? Wanted, long Deliverable);

/// <summary>Why a line delivers as it does, at this moment.</summary>
/// <param name="Plan">Null as long as it has not begun, or when it costs nothing.</param>
/// <param name="Cells">Those of its people that have most places first, at most 20.</param>
/// <param name="MoreCells">How many more there are.</param>
public sealed record LineExplanation(
    Guid Line,
    EffectiveStatus Effective,
    IReadOnlyList<Blocker> Blockers,
    PlanView? Plan,
    IReadOnlyList<CellExplanation> Cells,
    int MoreCells);

/// <summary>The plan beside what was billed, in the running period: the line's life, or the day of a daily budget.</summary>
/// <param name="Budget">Views that the budget, the campaign and the wallet pay for.</param>
/// <param name="Planned">Views until now.</param>
/// <param name="Billed">Views until now, as far as they are counted.</param>
/// <param name="ErrorPerMille">How far off; below nothing: behind.</param>
/// <param name="NextEpoch">When catalogs are made again.</param>
public sealed record PlanView(DateTimeOffset From, DateTimeOffset To, long Budget, long Planned, long Billed, int ErrorPerMille, DateTimeOffset NextEpoch);

/// <param name="Cell">As the catalog names it: small ones share one.</param>
/// <param name="Pass">In 64ths of the places; null: it is not in the catalog.</param>
/// <param name="Before">Lines of higher tiers that may be shown there now.</param>
/// <param name="Beside">Other lines of its own tier.</param>
/// <param name="WonPerMille">Of the places at which it takes part, those that no other line takes.</param>
/// <param name="Opportunities">Places before its people in this epoch.</param>
/// <param name="Expected">Views in this epoch.</param>
public sealed record CellExplanation(string Cell, CellVerdict Verdict, int? Pass, int Before, int Beside, int WonPerMille, double Opportunities, double Expected);
