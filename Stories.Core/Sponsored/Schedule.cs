using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>
/// When a line may be shown, by what the clocks in its time zone show: an hour that a zone skips has no window, and one that it
/// repeats has it twice.
/// </summary>
public static class Schedule
{
    /// <summary>No zone changes its offset twice in it.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromHours(1);

    /// <summary>The line's windows within a span, in order, apart from each other.</summary>
    public static IReadOnlyList<Window> Windows(LineTerms terms, DateTimeOffset from, DateTimeOffset to)
    {
        // Never a second before its start, never one after its end.
        var (begin, end) = (SecondsUp(Later(from, terms.StartsAt)), Earlier(to, terms.EndsAt).ToUnixTimeSeconds());
        if (begin >= end) return [];
        if (terms.Dayparts.Count == 0) return [new Window(begin, end)];

        var found = new List<Window>();
        foreach (var piece in Pieces(Zone(terms), begin, end)) found.AddRange(Within(piece, terms.Dayparts));
        return Join(found);
    }

    public static bool IsOn(LineTerms terms, DateTimeOffset now) => Windows(terms, Second(now), Second(now).AddSeconds(1)).Any(w => w.Holds(now));

    /// <summary>When it may next be shown, from <paramref name="now"/> on; null: never again.</summary>
    public static DateTimeOffset? NextOn(LineTerms terms, DateTimeOffset now)
    {
        // A weekday comes back within a week, and a skipped hour within the next.
        var from = Later(Second(now), terms.StartsAt);
        return Windows(terms, from, from + TimeSpan.FromDays(15)) is [var first, ..] ? DateTimeOffset.FromUnixTimeSeconds(first.From) : null;
    }

    /// <summary>The day of the line's time zone, for which a daily budget counts.</summary>
    public static DateOnly DayOf(LineTerms terms, DateTimeOffset instant) => LocalDay(Zone(terms), instant);

    /// <summary>When a day of the line's time zone begins: not always at what would be midnight.</summary>
    public static DateTimeOffset StartOfDay(LineTerms terms, DateOnly day)
    {
        var zone = Zone(terms);
        // Offsets lie between -12 and +14 hours; dates only ever go forward.
        var noon = new DateTimeOffset(day.ToDateTime(new TimeOnly(12, 0)), TimeSpan.Zero).ToUnixTimeSeconds();
        return DateTimeOffset.FromUnixTimeSeconds(First(noon - (36 * 60 * 60), noon + (36 * 60 * 60), second => LocalDay(zone, DateTimeOffset.FromUnixTimeSeconds(second)) >= day));
    }

    /// <summary>Whether an IANA name is known here, written as it should be.</summary>
    public static bool IsZone(string? name) =>
        name is { Length: > 2 and <= 64 } && (name == "UTC" || name.Contains('/', StringComparison.Ordinal)) &&
        name.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '-' or '+') && !name.StartsWith("posix", StringComparison.OrdinalIgnoreCase) && !name.StartsWith("right", StringComparison.OrdinalIgnoreCase) &&
        TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) && zone.HasIanaId && zone.Id == name;

    private static TimeZoneInfo Zone(LineTerms terms) => TimeZoneInfo.FindSystemTimeZoneById(terms.TimeZone);

    private static DateOnly LocalDay(TimeZoneInfo zone, DateTimeOffset instant) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(instant, zone).DateTime);

    /// <summary>Cut where the zone's offset changes: within each, clocks simply run.</summary>
    private static IEnumerable<Piece> Pieces(TimeZoneInfo zone, long begin, long end)
    {
        var (from, offset) = (begin, OffsetAt(zone, begin));
        for (var at = begin; at < end;)
        {
            var next = Math.Min(end, at + (long)Step.TotalSeconds);
            if (OffsetAt(zone, next) is var later && later != offset)
            {
                var old = offset;
                var change = First(at, next, second => OffsetAt(zone, second) != old);
                yield return new Piece(from, change, offset);
                (from, offset) = (change, later);
            }
            at = next;
        }
        if (from < end) yield return new Piece(from, end, offset);
    }

    private static IEnumerable<Window> Within(Piece piece, IReadOnlyList<Daypart> dayparts)
    {
        const long daySeconds = 24 * 60 * 60, hourSeconds = 60 * 60;
        var (first, last) = ((piece.From + piece.Offset) / daySeconds, (piece.To + piece.Offset - 1) / daySeconds);
        for (var day = first; day <= last; day++)
        {
            // The first of January 1970 was a Thursday.
            var weekday = (DayOfWeek)((day + (int)DayOfWeek.Thursday) % 7);
            var midnight = (day * daySeconds) - piece.Offset;
            foreach (var part in dayparts)
            {
                if (!part.Days.Contains(weekday)) continue;
                var (from, to) = (Math.Max(piece.From, midnight + (part.FromHour * hourSeconds)), Math.Min(piece.To, midnight + (part.ToHour * hourSeconds)));
                if (from < to) yield return new Window(from, to);
            }
        }
    }

    private static List<Window> Join(List<Window> windows)
    {
        var joined = new List<Window>();
        foreach (var window in windows.OrderBy(w => w.From))
        {
            if (joined is [.., var last] && window.From <= last.To) joined[^1] = last with { To = Math.Max(last.To, window.To) };
            else joined.Add(window);
        }
        return joined;
    }

    private static long OffsetAt(TimeZoneInfo zone, long second) => (long)zone.GetUtcOffset(DateTimeOffset.FromUnixTimeSeconds(second)).TotalSeconds;

    /// <summary>The first second in a span at which something is so that then stays so; its end must be one.</summary>
    private static long First(long from, long to, Func<long, bool> isSo)
    {
        while (from < to)
        {
            var middle = from + ((to - from) / 2);
            if (isSo(middle)) to = middle;
            else from = middle + 1;
        }
        return from;
    }

    private static DateTimeOffset Second(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    private static long SecondsUp(DateTimeOffset time) => (time - TimeSpan.FromTicks(1)).ToUnixTimeSeconds() + 1;

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    /// <param name="From">Unix seconds.</param>
    /// <param name="Offset">Seconds that local clocks are ahead.</param>
    private readonly record struct Piece(long From, long To, long Offset);
}
