using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>
/// When a line may be shown. Its days and dayparts are of its time zone; what comes out are windows of real time, so that a day with 23 or
/// 25 hours is right by construction and no device needs a zone database.
/// </summary>
public static class Schedule
{
    public static bool IsZone(string zone) => TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found) && found.HasIanaId;

    /// <summary>The day of the line's time zone.</summary>
    public static DateOnly DayOf(LineTerms terms, DateTimeOffset at) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, ZoneOf(terms)).DateTime);

    /// <summary>When a day of the line's time zone begins; where midnight is skipped, the first moment after.</summary>
    public static DateTimeOffset BeginOf(LineTerms terms, DateOnly day) => At(ZoneOf(terms), day, 0);

    /// <summary>In order, apart from each other, within the line's own begin and end.</summary>
    public static IReadOnlyList<Window> Windows(LineTerms terms, DateTimeOffset from, DateTimeOffset to)
    {
        var begin = Math.Max(from.ToUnixTimeSeconds(), terms.StartsAt.ToUnixTimeSeconds());
        var end = Math.Min(to.ToUnixTimeSeconds(), terms.EndsAt.ToUnixTimeSeconds());
        if (begin >= end) return [];
        if (terms.Dayparts.Count == 0) return [new Window(begin, end)];

        var zone = ZoneOf(terms);
        var windows = new List<Window>();
        var last = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeSeconds(end), zone).DateTime);
        for (var day = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeSeconds(begin), zone).DateTime); day <= last; day = day.AddDays(1))
        {
            foreach (var (fromHour, toHour) in HoursOf(terms, day.DayOfWeek))
            {
                var window = new Window(Math.Max(begin, At(zone, day, fromHour).ToUnixTimeSeconds()), Math.Min(end, At(zone, day, toHour).ToUnixTimeSeconds()));
                if (window.From >= window.To) continue;
                if (windows is [.., var before] && before.To == window.From) windows[^1] = before with { To = window.To };
                else windows.Add(window);
            }
        }
        return windows;
    }

    /// <summary>Of one weekday, joined where they touch or overlap.</summary>
    private static List<(int From, int To)> HoursOf(LineTerms terms, DayOfWeek weekday)
    {
        var joined = new List<(int From, int To)>();
        foreach (var part in terms.Dayparts.Where(p => p.Days.Contains(weekday)).OrderBy(p => p.FromHour))
        {
            if (joined is [.., var before] && part.FromHour <= before.To) joined[^1] = (before.From, Math.Max(before.To, part.ToHour));
            else joined.Add((part.FromHour, part.ToHour));
        }
        return joined;
    }

    /// <summary>An hour that is skipped begins when the clock goes on; of an hour that comes twice, the first counts as its begin.</summary>
    private static DateTimeOffset At(TimeZoneInfo zone, DateOnly day, int hour)
    {
        var local = day.ToDateTime(TimeOnly.MinValue).AddHours(hour);
        if (zone.IsInvalidTime(local))
        {
            // The gap is over where the offset before it would have put the same moment.
            var before = zone.GetUtcOffset(local.AddHours(-3));
            var gap = local.AddMinutes(-1);
            while (zone.IsInvalidTime(gap)) gap = gap.AddMinutes(-1);
            return new DateTimeOffset(gap.AddMinutes(1), before);
        }
        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        return new DateTimeOffset(local, offset);
    }

    private static TimeZoneInfo ZoneOf(LineTerms terms) => TimeZoneInfo.FindSystemTimeZoneById(terms.TimeZone);
}
