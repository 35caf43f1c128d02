using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>What must hold of a line's terms before they are written: every refusal, with its field.</summary>
public static class LineRules
{
    public const int MaxLines = 10_000;
    public const int MaxCreatives = 20;
    public const int MaxDayparts = 50;
    public const int MaxCaps = 10;
    public const int MaxShown = 1_000;

    /// <summary>Of each kind of target.</summary>
    public const int MaxTargets = 200;

    /// <summary>A million of a currency for a thousand views.</summary>
    public const long MaxPriceMicros = 1_000_000_000_000;

    public static readonly TimeSpan LongestFlight = TimeSpan.FromDays(366);

    /// <summary>Before and after, zones are a guess and seconds leave their range.</summary>
    private static readonly DateTimeOffset Earliest = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), Latest = new(2100, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static IReadOnlyList<FieldFault> Find(string? name, LineTerms? terms)
    {
        var faults = new FieldFaults();
        faults.RequireText(name, "name", 100);
        if (!faults.Require(terms is not null, "terms", FieldFaultCode.Missing, "It must be there.")) return faults.Found;
        FindInMoney(terms!, faults);
        FindInTime(terms!, faults);
        FindInCaps(terms!.Caps, faults);
        FindInTargets(terms.Targets, faults);
        faults.Require(terms.Category is null || IsCategory(terms.Category), "terms.category", FieldFaultCode.Malformed, "At most 40 lower-case letters, digits and dashes, or none.");
        return faults.Found;
    }

    /// <summary>Once its end has passed, nothing starts it again but another end.</summary>
    public static bool MayBecome(Line line, ConfiguredStatus status, DateTimeOffset now) => status != ConfiguredStatus.Active || line.EndsAt > now;

    /// <summary>What is for adults goes to adults: everybody else's age is unknown, and an unknown age is a minor's.</summary>
    public static bool MayShow(LineTerms terms, CreativeFacts creative) => terms.Targets.AdultsOnly || !creative.Disclosures.AdultsOnly;

    private static void FindInMoney(LineTerms terms, FieldFaults faults)
    {
        faults.Require(Enum.IsDefined(terms.Tier), "terms.tier", FieldFaultCode.Unknown, "One of sponsorship, guaranteed, standard, house.");
        faults.Require(terms.Weight is >= 1 and <= CatalogLine.MaxWeight, "terms.weight", FieldFaultCode.OutOfRange, $"1 to {CatalogLine.MaxWeight}.");
        faults.Require(terms.PriceMicros is >= 0 and <= MaxPriceMicros, "terms.priceMicros", FieldFaultCode.OutOfRange, $"0 to {MaxPriceMicros}.");
        faults.Require(terms.Tier != Tier.House || terms.PriceMicros == 0, "terms.priceMicros", FieldFaultCode.NotFree, "A line of the tier house costs nothing.");
        faults.Require(Enum.IsDefined(terms.BudgetKind), "terms.budgetKind", FieldFaultCode.Unknown, "One of daily, lifetime.");
        faults.Require(terms.BudgetMicros is > 0 and <= AdvertiserRules.MaxMicros, "terms.budgetMicros", FieldFaultCode.OutOfRange, $"1 to {AdvertiserRules.MaxMicros}.");
        faults.Require(Enum.IsDefined(terms.Pacing), "terms.pacing", FieldFaultCode.Unknown, "One of even, linear, front, asap.");
    }

    private static void FindInTime(LineTerms terms, FieldFaults faults)
    {
        var isWithin = faults.Require(terms.StartsAt >= Earliest, "terms.startsAt", FieldFaultCode.OutOfRange, "2020 or later.") &
            faults.Require(terms.EndsAt <= Latest, "terms.endsAt", FieldFaultCode.OutOfRange, "Before 2100.") &
            faults.Require(terms.EndsAt > terms.StartsAt, "terms.endsAt", FieldFaultCode.OutOfOrder, "After startsAt.");
        isWithin = isWithin && faults.Require(terms.EndsAt - terms.StartsAt <= LongestFlight, "terms.endsAt", FieldFaultCode.OutOfRange, "Within a year of startsAt.");
        var isKnown = faults.Require(Schedule.IsZone(terms.TimeZone), "terms.timeZone", FieldFaultCode.Unknown, "An IANA name, for instance Europe/Berlin.");
        if (!FindInDayparts(terms.Dayparts, faults) || !isWithin || !isKnown) return;
        faults.Require(Schedule.NextOn(terms, terms.StartsAt) is not null, "terms.dayparts", FieldFaultCode.NeverOn, "Some time between startsAt and endsAt must lie in one of them.");
    }

    private static bool FindInDayparts(IReadOnlyList<Daypart>? dayparts, FieldFaults faults)
    {
        if (!faults.Require(dayparts is not null, "terms.dayparts", FieldFaultCode.Missing, "It must be there; empty means always.")) return false;
        if (!faults.Require(dayparts!.Count <= MaxDayparts, "terms.dayparts", FieldFaultCode.TooMany, $"At most {MaxDayparts}.")) return false;
        var isRight = true;
        for (var i = 0; i < dayparts.Count; i++)
        {
            var (part, field) = (dayparts[i], $"terms.dayparts[{i}]");
            isRight &= faults.Require(part is { Days.Count: >= 1 and <= 7 } && part.Days.All(Enum.IsDefined) && part.Days.Distinct().Count() == part.Days.Count,
                $"{field}.days", FieldFaultCode.Malformed, "One to seven weekdays, each once.");
            isRight &= faults.Require(part is { FromHour: >= 0 and <= 23 }, $"{field}.fromHour", FieldFaultCode.OutOfRange, "0 to 23.");
            isRight &= faults.Require(part is { ToHour: >= 1 and <= 24 } && part.ToHour > part.FromHour, $"{field}.toHour", FieldFaultCode.OutOfRange, "1 to 24, and after fromHour; a night is two dayparts.");
        }
        return isRight;
    }

    private static void FindInCaps(IReadOnlyList<Cap>? caps, FieldFaults faults)
    {
        if (!faults.Require(caps is not null, "terms.caps", FieldFaultCode.Missing, "It must be there; it may be empty.")) return;
        if (!faults.Require(caps!.Count <= MaxCaps, "terms.caps", FieldFaultCode.TooMany, $"At most {MaxCaps}.")) return;
        for (var i = 0; i < caps.Count; i++)
        {
            var (cap, field) = (caps[i], $"terms.caps[{i}]");
            faults.Require(cap is not null && Enum.IsDefined(cap.Level) && cap.Level != CapLevel.All, $"{field}.level", FieldFaultCode.Unknown, "One of creative, line, campaign, advertiser.");
            faults.Require(cap is { Most: >= 1 and <= MaxShown }, $"{field}.most", FieldFaultCode.OutOfRange, $"1 to {MaxShown}.");
            faults.Require(cap is { Seconds: >= 1 and <= Cap.MaxSeconds }, $"{field}.seconds", FieldFaultCode.OutOfRange, $"1 to {Cap.MaxSeconds}.");
        }
        faults.Require(caps.Select(c => (c?.Level, c?.Seconds)).Distinct().Count() == caps.Count, "terms.caps", FieldFaultCode.Repeated, "Each level once for a span of seconds.");
    }

    private static void FindInTargets(Targets? targets, FieldFaults faults)
    {
        if (!faults.Require(targets is not null, "terms.targets", FieldFaultCode.Missing, "It must be there; empty lists mean everybody.")) return;
        faults.RequireEach(targets!.Apps, "terms.targets.apps", MaxTargets, UserName.IsApp, FieldFaultCode.Malformed, "An app's id.");
        faults.RequireEach(targets.Countries, "terms.targets.countries", MaxTargets, Codes.IsCountry, FieldFaultCode.Malformed, "Two capital letters of ISO 3166-1.");
        faults.RequireEach(targets.Languages, "terms.targets.languages", MaxTargets, Codes.IsLanguage, FieldFaultCode.Malformed, "Two lower-case letters of ISO 639-1.");
    }

    private static bool IsCategory(string text) => text.Length is > 0 and <= 40 && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
