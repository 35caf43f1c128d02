namespace Stories.Protocol.Sponsored;

/// <summary>One sitting of a person before the tray, from its opening to its closing; kept in memory only.</summary>
/// <param name="Begin">Unix milliseconds.</param>
/// <param name="People">Whose statuses were seen, to their end or to a skip.</param>
/// <param name="PeopleSinceAd">The same since the last sponsored status of this session, or since its begin.</param>
/// <param name="Statuses">Of people; sponsored ones are not among them.</param>
/// <param name="Ads">Sponsored statuses.</param>
/// <param name="QuickSkips">Of sponsored statuses, within their first second.</param>
public sealed record AdSession(long Begin, int People = 0, int PeopleSinceAd = 0, int Statuses = 0, int Ads = 0, int QuickSkips = 0)
{
    public static AdSession BeginAt(DateTimeOffset now) => new(now.ToUnixTimeMilliseconds());

    public AdSession SeeStatus() => this with { Statuses = Statuses + 1 };

    public AdSession LeavePerson() => this with { People = People + 1, PeopleSinceAd = PeopleSinceAd + 1 };

    public AdSession ShowAd() => this with { Ads = Ads + 1, PeopleSinceAd = 0 };

    public AdSession EndAd(DwellBucket dwell, bool skipped) => skipped && dwell == DwellBucket.UnderOneSecond ? this with { QuickSkips = QuickSkips + 1 } : this;
}

/// <summary>A place between two statuses, as the app knows it.</summary>
/// <param name="InsideOnePerson">The status before and the one after are of the same person.</param>
/// <param name="UnseenPeopleAhead">Who follow with something unseen.</param>
/// <param name="IsSensitive">Who comes next is muted, or shows something beside which nobody should stand.</param>
/// <param name="InReplies">Among direct replies.</param>
/// <param name="IsNewAccount">The person's account is younger than 24 hours.</param>
public sealed record AdBoundary(bool InsideOnePerson, int UnseenPeopleAhead, bool IsSensitive = false, bool InReplies = false, bool IsNewAccount = false);
