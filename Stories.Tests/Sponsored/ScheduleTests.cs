using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Tests.Sponsored;

public sealed class ScheduleTests
{
    private static readonly DayOfWeek[] EveryDay = Enum.GetValues<DayOfWeek>();

    [Fact]
    public void Without_dayparts_a_line_is_on_from_its_start_to_its_end()
    {
        var terms = Terms("Europe/Berlin", "2026-03-01T10:00:00Z", "2026-03-03T10:00:00Z");
        Assert.Equal([(At("2026-03-01T10:00:00Z"), At("2026-03-03T10:00:00Z"))], Read(terms, "2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z"));
        Assert.Empty(Schedule.Windows(terms, At("2026-03-03T10:00:00Z"), At("2026-04-01T00:00:00Z")));
        Assert.False(Schedule.IsOn(terms, At("2026-03-01T09:59:59Z")));
        Assert.True(Schedule.IsOn(terms, At("2026-03-01T10:00:00Z")));
        Assert.True(Schedule.IsOn(terms, At("2026-03-02T10:00:00.7Z")));
        Assert.True(Schedule.IsOn(terms, At("2026-03-03T09:59:59.9Z")));
        Assert.False(Schedule.IsOn(terms, At("2026-03-03T10:00:00Z")));
    }

    [Fact]
    public void Parts_of_a_second_never_make_a_line_begin_early_or_end_late()
    {
        var terms = Terms("UTC", "2026-03-01T10:00:00.2Z", "2026-03-01T10:00:05.8Z");
        Assert.Equal([(At("2026-03-01T10:00:01Z"), At("2026-03-01T10:00:05Z"))], Read(terms, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"));
    }

    [Theory]
    // The last Sunday of March has no hour from 2 to 3 in Berlin, that of October has it twice.
    [InlineData("Europe/Berlin", "2026-03-29", 1, 4, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z")]
    [InlineData("Europe/Berlin", "2026-10-25", 2, 3, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z")]
    [InlineData("Europe/Berlin", "2026-10-25", 0, 24, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")]
    // That day had no midnight in São Paulo: it began at one.
    [InlineData("America/Sao_Paulo", "2018-11-04", 0, 2, "2018-11-04T03:00:00Z", "2018-11-04T04:00:00Z")]
    // And that one's last hour came twice.
    [InlineData("America/Sao_Paulo", "2018-02-17", 22, 24, "2018-02-18T00:00:00Z", "2018-02-18T03:00:00Z")]
    // Lord Howe moves its clocks by half an hour.
    [InlineData("Australia/Lord_Howe", "2026-10-04", 2, 3, "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z")]
    [InlineData("Australia/Lord_Howe", "2026-04-05", 1, 2, "2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z")]
    [InlineData("Asia/Kathmandu", "2026-05-05", 6, 7, "2026-05-05T00:15:00Z", "2026-05-05T01:15:00Z")]
    public void A_daypart_is_when_the_clocks_of_its_zone_show_it(string zone, string day, int fromHour, int toHour, string from, string to)
    {
        var local = DateOnly.Parse(day);
        var terms = Terms(zone, "2017-01-01T00:00:00Z", "2027-01-01T00:00:00Z", new Daypart([local.DayOfWeek], fromHour, toHour));
        Assert.Equal([(At(from), At(to))], Read(terms, $"{local.AddDays(-2):yyyy-MM-dd}T00:00:00Z", $"{local.AddDays(3):yyyy-MM-dd}T00:00:00Z"));
    }

    [Fact]
    public void An_hour_that_a_day_skips_has_no_window()
    {
        var terms = Terms("Europe/Berlin", "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", new Daypart([DayOfWeek.Sunday], 2, 3));
        Assert.Empty(Schedule.Windows(terms, At("2026-03-28T00:00:00Z"), At("2026-03-31T00:00:00Z")));
        Assert.Equal(At("2026-04-05T00:00:00Z"), Schedule.NextOn(terms, At("2026-03-28T00:00:00Z")));
    }

    [Fact]
    public void Dayparts_that_touch_or_overlap_are_one_window()
    {
        var terms = Terms("UTC", "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z",
            new Daypart([DayOfWeek.Monday], 20, 24), new Daypart([DayOfWeek.Tuesday], 0, 3), new Daypart([DayOfWeek.Tuesday], 2, 5));
        Assert.Equal([(At("2026-03-02T20:00:00Z"), At("2026-03-03T05:00:00Z"))], Read(terms, "2026-03-01T00:00:00Z", "2026-03-06T00:00:00Z"));
    }

    [Theory]
    [InlineData("Europe/Berlin", 2026)]
    [InlineData("America/Sao_Paulo", 2018)]
    [InlineData("Australia/Lord_Howe", 2026)]
    [InlineData("Africa/Casablanca", 2026)]
    [InlineData("Pacific/Chatham", 2026)]
    [InlineData("America/St_Johns", 2026)]
    public void A_year_of_windows_is_what_the_clocks_show_at_every_quarter_of_an_hour(string zone, int year)
    {
        var info = TimeZoneInfo.FindSystemTimeZoneById(zone);
        Daypart[] dayparts = [new([DayOfWeek.Sunday, DayOfWeek.Wednesday], 0, 3), new([DayOfWeek.Saturday], 21, 24), new(EveryDay, 1, 2)];
        var (from, to) = (new DateTimeOffset(year, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(year + 1, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var terms = Terms(zone, $"{from:O}", $"{to:O}", dayparts);
        var windows = Schedule.Windows(terms, from, to);

        var at = 0;
        for (var time = from; time < to; time += TimeSpan.FromMinutes(15))
        {
            var local = TimeZoneInfo.ConvertTime(time, info);
            while (at < windows.Count && windows[at].To <= time.ToUnixTimeSeconds()) at++;
            Assert.Equal(dayparts.Any(p => p.Days.Contains(local.DayOfWeek) && local.Hour >= p.FromHour && local.Hour < p.ToHour), at < windows.Count && windows[at].Holds(time));
        }
    }

    [Fact]
    public void Two_halves_of_a_span_have_the_windows_of_the_whole()
    {
        var terms = Terms("Europe/Berlin", "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", new Daypart(EveryDay, 1, 4), new Daypart([DayOfWeek.Sunday], 12, 13));
        var (from, to) = (At("2026-03-27T00:00:00Z"), At("2026-03-31T00:00:00Z"));
        var whole = Seconds(Schedule.Windows(terms, from, to));
        for (var cut = from; cut < to; cut += TimeSpan.FromMinutes(37))
            Assert.Equal(whole, Seconds(Schedule.Windows(terms, from, cut)) + Seconds(Schedule.Windows(terms, cut, to)));
    }

    [Theory]
    [InlineData("Europe/Berlin", "2026-07-01T21:59:59Z", "2026-07-01")]
    [InlineData("Europe/Berlin", "2026-07-01T22:00:00Z", "2026-07-02")]
    [InlineData("Europe/Berlin", "2026-12-01T22:30:00Z", "2026-12-01")]
    [InlineData("Pacific/Kiritimati", "2026-07-01T10:00:00Z", "2026-07-02")]
    [InlineData("Pacific/Pago_Pago", "2026-07-01T10:59:59Z", "2026-06-30")]
    public void A_day_is_the_one_of_the_lines_zone(string zone, string instant, string day) =>
        Assert.Equal(DateOnly.Parse(day), Schedule.DayOf(Terms(zone, "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z"), At(instant)));

    [Theory]
    [InlineData("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z")]
    [InlineData("Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z")]
    [InlineData("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z")]
    [InlineData("Pacific/Kiritimati", "2026-07-02", "2026-07-01T10:00:00Z")]
    public void A_day_begins_with_the_first_second_that_is_called_so(string zone, string day, string start)
    {
        var terms = Terms(zone, "2017-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        Assert.Equal(At(start), Schedule.StartOfDay(terms, DateOnly.Parse(day)));
        Assert.Equal(DateOnly.Parse(day), Schedule.DayOf(terms, At(start)));
        Assert.Equal(DateOnly.Parse(day).AddDays(-1), Schedule.DayOf(terms, At(start) - TimeSpan.FromSeconds(1)));
    }

    [Theory]
    [InlineData("Europe/Berlin", true)]
    [InlineData("America/Argentina/Buenos_Aires", true)]
    [InlineData("Etc/GMT+5", true)]
    [InlineData("UTC", true)]
    [InlineData("europe/berlin", false)]
    [InlineData("W. Europe Standard Time", false)]
    [InlineData("Europe/Atlantis", false)]
    [InlineData("../Europe/Berlin", false)]
    [InlineData("posix/Europe/Berlin", false)]
    [InlineData("localtime", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Zones_go_by_their_IANA_names(string? name, bool isKnown) => Assert.Equal(isKnown, Schedule.IsZone(name));

    private static long Seconds(IEnumerable<Window> windows) => windows.Sum(w => w.To - w.From);

    private static List<(DateTimeOffset, DateTimeOffset)> Read(LineTerms terms, string from, string to) =>
        [.. Schedule.Windows(terms, At(from), At(to)).Select(w => (DateTimeOffset.FromUnixTimeSeconds(w.From), DateTimeOffset.FromUnixTimeSeconds(w.To)))];

    private static DateTimeOffset At(string time) => DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture);

    private static LineTerms Terms(string zone, string startsAt, string endsAt, params Daypart[] dayparts) =>
        new(Tier.Standard, 1, 0, BudgetKind.Lifetime, 1, At(startsAt), At(endsAt), zone, Pacing.Even, Targets.Everybody, dayparts, []);
}
