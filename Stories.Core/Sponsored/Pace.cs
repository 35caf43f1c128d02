using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>What a line has to spend within one period: its whole life, or a day of its time zone.</summary>
/// <param name="Windows">When it may be shown within the period.</param>
/// <param name="Budget">Views.</param>
/// <param name="Spent">Views that are billed.</param>
/// <param name="Lag">How old what is known of <paramref name="Spent"/> may be.</param>
/// <param name="Viewable">Of what is shown, the share that is looked at long enough to be a view: 0 to 1.</param>
public sealed record PacePeriod(IReadOnlyList<Window> Windows, double Budget, double Spent, TimeSpan Lag, double Viewable = 1)
{
    public double Left => Budget - Spent;
}

/// <summary>How much of a line is let through in the next epoch, and why.</summary>
/// <param name="Pass">Of each opportunity, 0 to 1, before it is quantised.</param>
/// <param name="Need">Views that the plan asks for in the epoch.</param>
/// <param name="Expected">Views that the pass will bring.</param>
/// <param name="Plan">Views that the plan asked for until now.</param>
/// <param name="IsHeld">Only the budget's guard keeps it from more.</param>
public sealed record Pace(double Pass, double Need, double Expected, double Plan, bool IsHeld)
{
    /// <summary>A shortfall is made up for within about this; never dumped at the end.</summary>
    public static readonly TimeSpan CatchUp = TimeSpan.FromHours(2);

    private static readonly TimeSpan Epoch = TimeSpan.FromSeconds(Catalog.EpochSeconds);

    /// <summary>Never less, while there is budget: a line that is ahead keeps breathing, and a dead night blacks nothing out.</summary>
    private const double LeastPass = 0.01;

    /// <summary>Least opportunities to divide by, as a share of an average epoch's: a near-zero night must not look like none.</summary>
    private const double LeastShare = 0.05;

    /// <summary>A creative that nobody looks at is not to be let through everywhere for it.</summary>
    private const double LeastViewable = 0.2;

    private const double Sigmas = 3;
    internal const double FrontExponent = 0.7;

    /// <summary>The share of its budget that a line should have spent by a moment.</summary>
    public static double PlannedShare(Pacing pacing, IReadOnlyList<Window> windows, OpportunityCurve curve, DateTimeOffset at)
    {
        if (windows.Count == 0) return 1;
        var second = at.ToUnixTimeSeconds();
        if (second < windows[0].From) return 0;
        if (pacing == Pacing.Asap) return 1;
        if (second >= windows[^1].To) return 1;
        // As long as nothing is known of people, time stands for them.
        var byTime = pacing == Pacing.Linear || curve.Week <= 0;
        double done = 0, all = 0;
        foreach (var window in windows)
        {
            all += Weight(window.From, window.To);
            if (second > window.From) done += Weight(window.From, Math.Min(window.To, second));
        }
        var share = all <= 0 ? 1 : done / all;
        return pacing == Pacing.Front ? Math.Pow(share, FrontExponent) : share;

        double Weight(long from, long to) => byTime ? to - from : curve.Between(DateTimeOffset.FromUnixTimeSeconds(from), DateTimeOffset.FromUnixTimeSeconds(to));
    }

    /// <param name="availability">Of a passed opportunity, how likely no other line takes it: 0 to 1.</param>
    /// <param name="curve">Of all cells that the line is for.</param>
    /// <param name="now">The epoch's begin.</param>
    public static Pace For(Pacing pacing, PacePeriod period, OpportunityCurve curve, double availability, DateTimeOffset now)
    {
        var planned = period.Budget * PlannedShare(pacing, period.Windows, curve, now);
        if (period.Windows.Count == 0 || now.ToUnixTimeSeconds() >= period.Windows[^1].To || period.Left <= 0) return new Pace(0, 0, 0, planned, IsHeld: period.Left <= 0);

        var next = period.Budget * PlannedShare(pacing, period.Windows, curve, now + Epoch);
        var inFlight = InFlight(pacing, period, curve, availability, now);
        var behind = planned - period.Spent - inFlight;
        var need = pacing == Pacing.Asap ? period.Left - inFlight : next - planned + Epoch / CatchUp * behind;
        var chances = Math.Max(1, Math.Max(curve.Between(now, now + Epoch), LeastShare * curve.Week * Catalog.EpochSeconds / (OpportunityCurve.Hours * 3600d)));
        var views = chances * Math.Clamp(period.Viewable, LeastViewable, 1);
        var reachable = views * Math.Clamp(availability, 0.05, 1);
        var pass = Math.Clamp(need / reachable, LeastPass, 1);

        // Only as much as what is left covers, with what is already under way, in all but one of some hundred epochs.
        var root = (-Sigmas + Math.Sqrt(Sigmas * Sigmas + 4 * period.Left)) / 2;
        var most = Math.Max(0, root * root - inFlight);
        var isHeld = pass * reachable > most;
        // As if nobody else took any: others may step back at once.
        if (pass * views > most) pass = most / views;
        return new Pace(pass, Math.Max(0, need), pass * reachable, planned, isHeld);
    }

    /// <summary>Views that were shown and are not counted yet: as many as were planned meanwhile. At full speed each showing is taken for one: some of the views come in later than the lag.</summary>
    private static double InFlight(Pacing pacing, PacePeriod period, OpportunityCurve curve, double availability, DateTimeOffset now)
    {
        var begin = DateTimeOffset.FromUnixTimeSeconds(period.Windows[0].From);
        var since = now - period.Lag > begin ? now - period.Lag : begin;
        if (since >= now) return 0;
        var shown = pacing == Pacing.Asap
            ? curve.Between(since, now) * availability
            : period.Budget * (PlannedShare(pacing, period.Windows, curve, now) - PlannedShare(pacing, period.Windows, curve, since));
        return Math.Min(shown, period.Left);
    }

    /// <summary>As it travels: what is not nothing stays not nothing, unless it is too little to count.</summary>
    public int Quantised(double fraction) => (int)Math.Clamp(Math.Floor(Pass * CatalogLine.MaxPass + fraction), 0, CatalogLine.MaxPass);
}
