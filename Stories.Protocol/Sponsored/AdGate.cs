namespace Stories.Protocol.Sponsored;

/// <summary>Whether a sponsored status may stand at a boundary at all; which one is <see cref="AdChoice"/>'s. docs/vectors has the rule for other languages.</summary>
public static class AdGate
{
    /// <summary>Who comes back so soon is still in the same sitting, whatever the app calls a session.</summary>
    public const int AcrossSessionsSeconds = 30 * 60;

    private const int DaySeconds = 24 * 60 * 60;

    /// <summary>The first that holds of <see cref="GateReason"/>, in its order; else <see cref="GateReason.Open"/>.</summary>
    /// <param name="policy">From a verified catalog.</param>
    public static GateReason Decide(AdPolicy policy, AdSession session, AdLog log, AdBoundary boundary, DateTimeOffset now)
    {
        if (boundary.InsideOnePerson) return GateReason.InsideOnePerson;
        if (boundary.InReplies) return GateReason.InReplies;
        if (boundary.UnseenPeopleAhead < 1) return GateReason.LastInTray;
        if (boundary.IsSensitive) return GateReason.Sensitive;
        if (boundary.IsNewAccount) return GateReason.NewAccount;
        if (log.IsQuiet(now)) return GateReason.LogDamaged;
        if (session.People < 1 || session.PeopleSinceAd < 1) return GateReason.TooFewPeople;

        if (session.People < policy.FirstPeople) return GateReason.FirstPeople;
        if (AdLog.Age(session.Begin, now) < policy.FirstSeconds * 1000L) return GateReason.FirstSeconds;

        var sinceAd = log.Shown.Count == 0 ? long.MaxValue : log.Shown.Min(s => AdLog.Age(s.At, now));
        if (session.Ads > 0 || sinceAd < AcrossSessionsSeconds * 1000L)
        {
            var distance = (policy.SkipsBeforeDoubling > 0 && session.QuickSkips >= policy.SkipsBeforeDoubling ? 2L : 1L) * log.Thinning;
            if (session.PeopleSinceAd < policy.PeopleBetween * distance) return GateReason.PeopleBetween;
            if (sinceAd < policy.SecondsBetween * distance * 1000) return GateReason.SecondsBetween;
        }

        // Multiplied on this side, so that nothing is rounded: half of three is two and never none.
        if ((long)session.Ads * log.Thinning >= policy.PerSession) return GateReason.PerSession;
        if ((long)log.CountShown(_ => true, DaySeconds, now) * log.Thinning >= policy.PerDay) return GateReason.PerDay;
        var ads = session.Ads + 1L;
        return ads * log.Thinning * 1000 > policy.MaxPerMille * (session.Statuses + ads) ? GateReason.Share : GateReason.Open;
    }
}

/// <summary>Why nothing sponsored stands at a boundary.</summary>
public enum GateReason
{
    Open,
    InsideOnePerson,
    InReplies,

    /// <summary>Nobody follows with something unseen: never last.</summary>
    LastInTray,
    Sensitive,
    NewAccount,

    /// <summary>What was shown within the last 30 days is unknown.</summary>
    LogDamaged,

    /// <summary>Nobody was seen in the session, or since its last: never first and never two in a row, whatever the policy says.</summary>
    TooFewPeople,
    FirstPeople,
    FirstSeconds,
    PeopleBetween,
    SecondsBetween,
    PerSession,
    PerDay,
    Share,
}
