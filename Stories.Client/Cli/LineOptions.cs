using System.CommandLine;
using System.Globalization;
using Stories.Client.Sessions;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Cli;

/// <summary>A line's terms as they are typed: what is not named stays as it was.</summary>
internal sealed class LineOptions
{
    private readonly Option<decimal?> price = new("--price") { Description = "For a thousand billed views." };
    private readonly Option<decimal?> budget = new("--budget") { Description = "Never billed above, for its whole life." };
    private readonly Option<bool?> daily = new("--daily") { Description = "The budget is for each day." };
    private readonly Option<DateTimeOffset?> start = new("--start") { Description = "For instance 2027-03-01T08:00+01:00; without it now." };
    private readonly Option<DateTimeOffset?> end = new("--end") { Description = "Not any more then." };
    private readonly Option<double?> days = new("--days") { Description = "How long, from its start; 7 without it and --end." };
    private readonly Option<string?> zone = new("--zone") { Description = "In which days and hours are counted, for instance Europe/Berlin." };
    private readonly Option<string[]> hours = new("--hours") { Description = "When, for instance 7-10 or mon,tue:7-10; may be repeated." };
    private readonly Option<string?> pacing = new("--pacing") { Description = "even, linear, front or asap." };
    private readonly Option<string?> tier = new("--tier") { Description = "sponsorship, guaranteed, standard or house, which is free." };
    private readonly Option<int?> weight = new("--weight") { Description = "1 to 1000: its share among those of its tier." };
    private readonly Option<string[]> apps = new("--app") { Description = "Only in this app; may be repeated." };
    private readonly Option<string[]> countries = new("--country") { Description = "Only there; may be repeated." };
    private readonly Option<string[]> languages = new("--language") { Description = "Only for who reads it; may be repeated." };
    private readonly Option<bool?> adults = new("--adults-only") { Description = "Not where the age is unknown." };
    private readonly Option<string[]> caps = new("--cap") { Description = "How often one device shows it, for instance 2/24h or campaign:5/7d; may be repeated." };
    private readonly Option<string?> category = new("--category") { Description = "Of the goods: never beside another of the same." };

    public LineOptions(Command command)
    {
        pacing.AcceptOnlyFromAmong([.. Enum.GetValues<Pacing>().Select(Words.Of)]);
        tier.AcceptOnlyFromAmong([.. Enum.GetValues<Tier>().Select(Words.Of)]);
        foreach (var option in (Option[])[price, budget, daily, start, end, days, zone, hours, pacing, tier, weight, apps, countries, languages, adults, caps, category]) command.Add(option);
    }

    /// <summary>What a new line has where nothing else was typed. Price and budget are the service's to miss.</summary>
    public static LineTerms Usual(DateTimeOffset now)
    {
        // Whole seconds, as windows are: it begins at once.
        now = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        return new LineTerms(Tier.Standard, Weight: 100, PriceMicros: 0, BudgetKind.Lifetime, BudgetMicros: 0, now, now.AddDays(7), "UTC", Pacing.Even, Targets.Everybody, [], []);
    }

    public LineTerms Read(ParseResult arguments, LineTerms before)
    {
        if (arguments.GetValue(end) is not null && arguments.GetValue(days) is not null) throw new UsageException("One of --end and --days.");
        var startsAt = arguments.GetValue(start) ?? before.StartsAt;
        return before with
        {
            PriceMicros = arguments.GetValue(price) is { } cost ? AdsCommand.ToMicros(cost) : before.PriceMicros,
            BudgetMicros = arguments.GetValue(budget) is { } most ? AdsCommand.ToMicros(most) : before.BudgetMicros,
            BudgetKind = arguments.GetValue(daily) is { } isDaily ? isDaily ? BudgetKind.Daily : BudgetKind.Lifetime : before.BudgetKind,
            StartsAt = startsAt,
            EndsAt = arguments.GetValue(end) ?? (arguments.GetValue(days) is { } length ? startsAt.AddDays(length) : startsAt + (before.EndsAt - before.StartsAt)),
            TimeZone = arguments.GetValue(zone) ?? before.TimeZone,
            Dayparts = arguments.GetValue(hours) is { Length: > 0 } parts ? [.. parts.Select(ParseHours)] : before.Dayparts,
            Pacing = arguments.GetValue(pacing) is { } pace ? Enum.Parse<Pacing>(pace, ignoreCase: true) : before.Pacing,
            Tier = arguments.GetValue(tier) is { } rank ? Enum.Parse<Tier>(rank, ignoreCase: true) : before.Tier,
            Weight = arguments.GetValue(weight) ?? before.Weight,
            Targets = before.Targets with
            {
                Apps = arguments.GetValue(apps) is { Length: > 0 } inApps ? inApps : before.Targets.Apps,
                Countries = arguments.GetValue(countries) is { Length: > 0 } there ? there : before.Targets.Countries,
                Languages = arguments.GetValue(languages) is { Length: > 0 } readers ? readers : before.Targets.Languages,
                AdultsOnly = arguments.GetValue(adults) ?? before.Targets.AdultsOnly,
            },
            Caps = arguments.GetValue(caps) is { Length: > 0 } bounds ? [.. bounds.Select(ParseCap)] : before.Caps,
            Category = arguments.GetValue(category) ?? before.Category,
        };
    }

    private static Daypart ParseHours(string text)
    {
        var (days, span) = text.Split(':') switch
        {
            [var only] => (Enum.GetValues<DayOfWeek>(), only),
            [var named, var rest] => ([.. named.Split(',').Select(ParseDay)], rest),
            _ => ([], ""),
        };
        return days.Length > 0 && span.Split('-') is [var from, var to] && int.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first) && int.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            ? new Daypart(days, first, last)
            : throw new UsageException("Hours are written like 7-10 or mon,tue:7-10.");
    }

    private static DayOfWeek ParseDay(string text) =>
        Enum.GetValues<DayOfWeek>().Where(d => d.ToString()[..3].Equals(text, StringComparison.OrdinalIgnoreCase)).ToList() is [var day] ? day : throw new UsageException("Days are written mon, tue, wed, thu, fri, sat, sun.");

    private static Cap ParseCap(string text)
    {
        var (level, rest) = text.Split(':') switch
        {
            [var only] => (CapLevel.Line, only),
            [var named, var bound] when Enum.TryParse<CapLevel>(named, ignoreCase: true, out var found) => (found, bound),
            _ => (CapLevel.Line, ""),
        };
        return rest.Split('/') is [var most, var window] && int.TryParse(most, NumberStyles.None, CultureInfo.InvariantCulture, out var times) && Durations.TryParse(window, out var length)
            ? new Cap(level, times, (int)Math.Min(length.TotalSeconds, int.MaxValue))
            : throw new UsageException("A cap is written like 2/24h or campaign:5/7d.");
    }
}
