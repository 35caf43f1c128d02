using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>Everything at one instant that decides whether a line delivers.</summary>
/// <param name="Creatives">Of the line, whatever their state.</param>
/// <param name="DaySettled">Micros billed on the day of its zone.</param>
/// <param name="HasInventory">Devices for which it is have asked for a catalog within a week.</param>
/// <param name="IsHeld">There are catalogs for them now, and it is in none.</param>
public sealed record LineSnapshot(
    Line Line, Campaign Campaign, Advertiser Advertiser, Wallet Wallet, IReadOnlyList<CreativeStanding> Creatives, long DaySettled, bool HasInventory, bool IsHeld, DateTimeOffset Now)
{
    private LineTerms Terms => Line.Terms;
    private bool IsFree => Terms.Tier == Tier.House || Terms.PriceMicros == 0;
    private bool HasEnded => Now >= Line.EndsAt;
    private bool HasStarted => Now >= Line.StartsAt;
    private bool IsSpent => Terms.BudgetKind == BudgetKind.Lifetime && !IsCovered(Terms.BudgetMicros - Line.SettledMicros);

    /// <summary>Waiting for its hours, its turn or for people is what an active line does; for everything else somebody has to do something.</summary>
    private static readonly HashSet<BlockerCode> Passing = [BlockerCode.OutsideDaypart, BlockerCode.PacingHold, BlockerCode.NoInventory];

    public EffectiveStatus Status => this switch
    {
        { Line.Status: ConfiguredStatus.Archived } => EffectiveStatus.Archived,
        { Line.Status: ConfiguredStatus.Draft } => EffectiveStatus.Draft,
        { HasEnded: true } => EffectiveStatus.Completed,
        { Line.Status: ConfiguredStatus.Paused } => EffectiveStatus.Paused,
        { IsSpent: true } => EffectiveStatus.Exhausted,
        { HasStarted: false } => EffectiveStatus.Scheduled,
        _ => Blockers.All(b => Passing.Contains(b.Code)) ? EffectiveStatus.Active : EffectiveStatus.Blocked,
    };

    /// <summary>All that keep it from delivering now, what its owner decided first.</summary>
    public IReadOnlyList<Blocker> Blockers
    {
        get
        {
            if (Line.Status == ConfiguredStatus.Archived) return [];
            if (HasEnded) return [new Blocker(BlockerCode.Ended, Line.EndsAt, "Its end has passed: give it a later end, or book another line.", null), .. OfLine()];
            List<Blocker> found = [.. OfLine(), .. OfAdvertiser(), .. OfCreatives(), .. OfMoney(), .. OfTime()];
            // What the planner would do with it says something only when it is asked for it.
            if (found.Count == 0) found.AddRange(OfDelivery());
            return found;
        }
    }

    private IEnumerable<Blocker> OfLine()
    {
        if (Line.Status == ConfiguredStatus.Draft) yield return new Blocker(BlockerCode.LineDraft, Line.CreatedAt, "Set the line's status to active.", null);
        if (Line.Status == ConfiguredStatus.Paused) yield return new Blocker(BlockerCode.LinePaused, Line.ChangedAt, "Set the line's status to active.", null);
    }

    private IEnumerable<Blocker> OfAdvertiser()
    {
        if (Campaign.Status != ConfiguredStatus.Active)
            yield return new Blocker(BlockerCode.CampaignNotActive, null, Campaign.Status == ConfiguredStatus.Archived ? "Its campaign is archived: book the line in another." : "Set the campaign's status to active.", null);
        if (Advertiser.State == AdvertiserState.Pending)
            yield return new Blocker(BlockerCode.AdvertiserNotVerified, Advertiser.DecidedAt ?? Advertiser.CreatedAt, "An operator has to verify who you are.", null);
        if (Advertiser.State is AdvertiserState.Suspended or AdvertiserState.Closed)
            yield return new Blocker(BlockerCode.AdvertiserSuspended, Advertiser.DecidedAt, "Ask the operator why, and what would change it.", null);
    }

    private IEnumerable<Blocker> OfCreatives()
    {
        if (Creatives.Any(c => c.State == CreativeState.Approved))
        {
            if (Creatives.All(c => c.State != CreativeState.Approved || c.IsOfferOver))
                yield return new Blocker(BlockerCode.OfferEnded, null, "What its creative offers is over: sign another offer, and make a creative of it.", null);
            yield break;
        }
        var waiting = Creatives.Where(c => c.State != CreativeState.Withdrawn).GroupBy(c => c.State switch
        {
            CreativeState.Processing => BlockerCode.CreativeProcessing,
            CreativeState.InReview => BlockerCode.PendingReview,
            CreativeState.Rejected or CreativeState.Suspended => BlockerCode.CreativeRejected,
            _ => BlockerCode.CreativeNotSubmitted,
        }).OrderBy(g => g.Key).ToList();
        if (waiting.Count == 0) yield return new Blocker(BlockerCode.NoCreative, Line.ChangedAt, "Give the line a creative.", null);
        foreach (var group in waiting)
        {
            var (fix, next) = group.Key switch
            {
                BlockerCode.CreativeProcessing => ("Its creative is being made: wait a moment.", Now + TimeSpan.FromMinutes(1)),
                BlockerCode.PendingReview => ("A reviewer has to approve its creative.", default(DateTimeOffset?)),
                BlockerCode.CreativeRejected => ("Appeal once, or make another creative by what the review says.", null),
                _ => ("Hand its creative in for review.", null),
            };
            yield return new Blocker(group.Key, group.Min(c => c.ChangedAt), fix, next);
        }
    }

    private IEnumerable<Blocker> OfMoney()
    {
        if (IsFree) yield break;
        if (!IsCovered(Wallet.Balance)) yield return new Blocker(BlockerCode.NoFunds, null, "Pay something into the wallet.", null);
        if (IsSpent) yield return new Blocker(BlockerCode.BudgetExhausted, null, "Raise the line's budget.", null);
        if (Campaign.BudgetMicros is { } budget && !IsCovered(budget - Campaign.SettledMicros)) yield return new Blocker(BlockerCode.CampaignCapReached, null, "Raise the campaign's budget.", null);
        if (Terms.BudgetKind == BudgetKind.Daily && !IsCovered(Terms.BudgetMicros - DaySettled))
            yield return new Blocker(BlockerCode.DayBudgetExhausted, null, "Wait for the next day, or raise the line's budget.", Schedule.StartOfDay(Terms, Schedule.DayOf(Terms, Now).AddDays(1)));
    }

    private IEnumerable<Blocker> OfTime()
    {
        if (!HasStarted) yield return new Blocker(BlockerCode.NotStarted, Line.CreatedAt, "Wait for its start, or give it an earlier one.", Line.StartsAt);
        else if (!Schedule.IsOn(Terms, Now)) yield return new Blocker(BlockerCode.OutsideDaypart, null, "Wait for its next daypart, or change them.", Schedule.NextOn(Terms, Now));
    }

    private IEnumerable<Blocker> OfDelivery()
    {
        if (!HasInventory)
            yield return new Blocker(BlockerCode.NoInventory, null, "Nobody for whom it is has looked for a week: wait, or choose wider targets.", NextEpoch);
        else if (IsHeld)
            yield return new Blocker(BlockerCode.PacingHold, null, "It is ahead of its plan, or what is left is on its way: wait, raise the budget, or choose the pacing asap.", NextEpoch);
    }

    private DateTimeOffset NextEpoch => DateTimeOffset.FromUnixTimeSeconds(Catalog.EpochAt(Now) + Catalog.EpochSeconds);

    /// <summary>Whether a sum pays for the next view.</summary>
    private bool IsCovered(long sum) => IsFree || Cost.Affordable(Line.Billed, Terms.PriceMicros, sum) > 0;
}

/// <param name="ChangedAt">When it came into its state.</param>
/// <param name="IsOfferOver">It hands over an offer that no catalog holds any more.</param>
public sealed record CreativeStanding(CreativeState State, DateTimeOffset ChangedAt, bool IsOfferOver);
