namespace Stories.Protocol.Sponsored;

/// <summary>What an advertiser books.</summary>
/// <param name="Tier">Asked before those below it.</param>
/// <param name="Weight">1 to 1,000: the line's share among those of its tier.</param>
/// <param name="PriceMicros">Micros of the wallet's currency for a thousand billed views; 0 costs nothing.</param>
/// <param name="BudgetMicros">Never billed above, for the whole life or for each day.</param>
/// <param name="StartsAt">From then on.</param>
/// <param name="EndsAt">Not any more then.</param>
/// <param name="TimeZone">An IANA name: days and dayparts are counted there.</param>
/// <param name="Dayparts">When it may be shown; none means always.</param>
/// <param name="Caps">How often one device shows it.</param>
/// <param name="Category">Of the goods, for competitive separation, for instance <c>cars</c>; null for none.</param>
public sealed record LineTerms(
    Tier Tier,
    int Weight,
    long PriceMicros,
    BudgetKind BudgetKind,
    long BudgetMicros,
    DateTimeOffset StartsAt,
    DateTimeOffset EndsAt,
    string TimeZone,
    Pacing Pacing,
    Targets Targets,
    IReadOnlyList<Daypart> Dayparts,
    IReadOnlyList<Cap> Caps,
    string? Category = null);

/// <summary>Whole hours of some weekdays, in the line's time zone.</summary>
/// <param name="FromHour">0 to 23.</param>
/// <param name="ToHour">1 to 24, exclusive, after <paramref name="FromHour"/>.</param>
public sealed record Daypart(IReadOnlyList<DayOfWeek> Days, int FromHour, int ToHour);

/// <summary>For whom; an empty list means everybody.</summary>
/// <param name="Apps">Ids of apps.</param>
/// <param name="Countries">ISO 3166-1 alpha-2, upper case.</param>
/// <param name="Languages">ISO 639-1, lower case.</param>
/// <param name="AdultsOnly">Not where the age is unknown.</param>
public sealed record Targets(
    IReadOnlyList<string> Apps, IReadOnlyList<string> Countries, IReadOnlyList<string> Languages, bool AdultsOnly = false)
{
    public static Targets Everybody { get; } = new([], [], []);
}

/// <summary>At most <paramref name="Most"/> shown in any <paramref name="Seconds"/>; counted by the device.</summary>
/// <param name="Level">What is counted together.</param>
/// <param name="Seconds">The sliding window, up to 30 days.</param>
public sealed record Cap(CapLevel Level, int Most, int Seconds)
{
    public const int MaxSeconds = 30 * 24 * 60 * 60;
}

public enum CapLevel
{
    Creative,
    Line,
    Campaign,
    Advertiser,

    /// <summary>All sponsored statuses together; the service's policy only.</summary>
    All,
}
