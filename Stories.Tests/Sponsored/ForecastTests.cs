using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;
using Tier = Stories.Protocol.Sponsored.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>What a line would get, as arithmetic, and against what the planner then does.</summary>
public sealed class ForecastTests
{
    private static readonly DateTimeOffset Monday = new(2026, 3, 2, 0, 0, 0, TimeSpan.Zero);
    private static readonly Cell Germany = new("chat", Placement.Tray, "DE", "de", AgeBand.Unknown), Austria = new("chat", Placement.Tray, "AT", "de", AgeBand.Unknown);

    [Fact]
    public void A_line_that_is_alone_gets_what_it_pays_for()
    {
        var forecast = Of(Terms(views: 2_000));

        Assert.Equal((2_000, 2_000, 2_400, 2_400), (Round(forecast.Wanted!.Value), Round(forecast.Deliverable), Round(forecast.Available), Round(forecast.Opportunities)));
        Assert.True(forecast.IsFeasible);
        Assert.Empty(forecast.Warnings);
    }

    [Theory]
    [InlineData(2_086, true)]
    [InlineData(2_088, false)]
    public void Less_than_one_and_a_seventh_of_what_is_wanted_is_too_little(int views, bool isEnough) => Assert.Equal(isEnough, Of(Terms(views)).IsFeasible);

    [Fact]
    public void What_is_not_there_is_not_promised()
    {
        var forecast = Of(Terms(views: 10_000));

        Assert.Equal(2_400, Round(forecast.Deliverable));
        Assert.Equal([ForecastWarning.TooFewPeople], forecast.Warnings);
    }

    [Fact]
    public void Higher_tiers_are_asked_first_and_lower_ones_take_nothing()
    {
        var sponsor = Terms(views: 1_000) with { Tier = Tier.Sponsorship };
        var house = Terms(views: 1_000) with { Tier = Tier.House, PriceMicros = 0 };

        Assert.Equal(1_400, Round(Of(Terms(2_000), sponsor, house).Deliverable));
        Assert.Equal(2_400, Round(Of(Terms(2_000), house).Available));
        Assert.Equal(0, Round(Of(Terms(2_000), sponsor with { PriceMicros = 0 }).Available));
    }

    [Theory]
    [InlineData(100, 1_200)]
    [InlineData(300, 1_800)]
    public void Lines_of_a_tier_share_by_weight_what_is_not_enough_for_all(int weight, int available)
    {
        var other = Terms(views: 100_000) with { Pacing = Pacing.Asap };

        Assert.Equal(available, Round(Of(Terms(views: 100_000) with { Weight = weight }, other).Available));
    }

    [Fact]
    public void Who_wants_less_than_its_share_leaves_the_rest()
    {
        var modest = Terms(views: 240) with { Weight = 1_000 };
        var hungry = Terms(views: 100_000) with { Pacing = Pacing.Asap };

        Assert.Equal((2_400 - 240) / 2, Round(Of(Terms(2_000), modest, hungry).Available));
    }

    [Fact]
    public void Who_is_for_others_or_for_other_hours_or_is_over_takes_nothing()
    {
        var mine = Terms(2_000) with { Targets = new Targets([], ["DE"], []), Dayparts = [new Daypart(Enum.GetValues<DayOfWeek>(), 8, 12)] };
        var rivals = new[]
        {
            Terms(views: 100_000) with { Tier = Tier.Sponsorship, Targets = new Targets([], ["AT"], []) },
            Terms(views: 100_000) with { Tier = Tier.Sponsorship, Dayparts = [new Daypart(Enum.GetValues<DayOfWeek>(), 12, 24)] },
            Terms(views: 100_000) with { Tier = Tier.Sponsorship, StartsAt = Monday.AddDays(-3), EndsAt = Monday },
            Terms(views: 100_000) with { Tier = Tier.Sponsorship, StartsAt = Monday.AddDays(1), EndsAt = Monday.AddDays(2) },
        };

        Assert.Equal(400, Round(Of(mine, [(Germany, 100), (Austria, 100)], rivals).Available));
    }

    [Fact]
    public void Who_is_for_more_people_takes_only_its_part_of_mine()
    {
        var mine = Terms(2_000) with { Targets = new Targets([], ["DE"], []) };
        var sponsor = Terms(views: 2_400) with { Tier = Tier.Sponsorship };

        // A quarter of what there is, everywhere.
        Assert.Equal(1_800, Round(Of(mine, [(Germany, 100), (Austria, 300)], sponsor).Available));
    }

    [Fact]
    public void A_daily_budget_begins_anew_each_day_and_tells_which_days_are_short()
    {
        var daily = Terms(views: 1_000) with { BudgetKind = BudgetKind.Daily, EndsAt = Monday.AddDays(4) };
        var tuesday = Terms(views: 2_000) with { Tier = Tier.Sponsorship, StartsAt = Monday.AddDays(1), EndsAt = Monday.AddDays(2) };

        var forecast = Of(daily, tuesday);

        Assert.Equal([1_000, 400, 1_000, 1_000], forecast.Days.Select(d => Round(d.Deliverable)));
        Assert.All(forecast.Days, day => Assert.Equal(1_000, Round(day.Wanted!.Value)));
        Assert.Equal((4_000, 3_400), (Round(forecast.Wanted!.Value), Round(forecast.Deliverable)));
        Assert.Equal([ForecastWarning.ShortDays], forecast.Warnings);
    }

    [Fact]
    public void What_a_life_misses_on_one_day_it_makes_up_for_on_the_next()
    {
        var week = Terms(views: 4_000) with { EndsAt = Monday.AddDays(4) };
        var tuesday = Terms(views: 2_400) with { Tier = Tier.Sponsorship, StartsAt = Monday.AddDays(1), EndsAt = Monday.AddDays(2) };

        Assert.Equal([1_000, 0, 2_000, 1_000], Of(week, tuesday).Days.Select(d => Round(d.Deliverable)));
    }

    [Fact]
    public void Days_are_those_of_the_zone_and_the_one_without_an_hour_has_less()
    {
        var berlin = Terms(views: 3_000) with { TimeZone = "Europe/Berlin", StartsAt = new DateTimeOffset(2026, 3, 27, 23, 0, 0, TimeSpan.Zero), EndsAt = new DateTimeOffset(2026, 3, 30, 22, 0, 0, TimeSpan.Zero) };

        var days = Of(berlin).Days;

        Assert.Equal([(new DateOnly(2026, 3, 28), 2_400), (new DateOnly(2026, 3, 29), 2_300), (new DateOnly(2026, 3, 30), 2_400)], days.Select(d => (d.Day, Round(d.Opportunities))));
    }

    [Fact]
    public void What_costs_nothing_wants_all_that_is_left()
    {
        var forecast = Of(Terms(1) with { Tier = Tier.House, PriceMicros = 0 }, Terms(views: 400));

        Assert.Null(forecast.Wanted);
        Assert.Equal(2_000, Round(forecast.Deliverable));
        Assert.True(forecast.IsFeasible);
    }

    [Fact]
    public void What_is_over_nobody_looks_at_and_what_is_hardly_known_are_told()
    {
        var over = Terms(100) with { StartsAt = Monday.AddDays(-2), EndsAt = Monday.AddDays(-1) };

        Assert.Equal([ForecastWarning.Over], Forecast.Of(WantedLine.Of(over), [(Germany, OpportunityCurve.Flat(100))], [], 28, Monday).Warnings);
        Assert.Equal([ForecastWarning.NobodyLooks, ForecastWarning.TooFewPeople], Forecast.Of(WantedLine.Of(Terms(100)), [], [], 0, Monday).Warnings);
        var young = Forecast.Of(WantedLine.Of(Terms(100)), [(Germany, OpportunityCurve.Flat(100))], [], 6, Monday);
        Assert.Equal([ForecastWarning.StillLearning], young.Warnings);
        Assert.True(young.IsFeasible);
    }

    /// <summary>A day, choice by choice as devices draw: one line asked first, one beside, and the one that was forecast.</summary>
    [Theory]
    [InlineData(Pacing.Even, 3_000)]
    [InlineData(Pacing.Asap, 100_000)]
    public void What_was_forecast_is_what_the_planner_delivers(Pacing pacing, int views)
    {
        var curve = new OpportunityCurve([.. Enumerable.Range(0, OpportunityCurve.Hours).Select(h => (h % 24) switch { < 6 => 60.0, 19 or 20 or 21 => 1_200, _ => 400 })]);
        LineTerms[] terms = [Terms(views) with { Pacing = pacing }, Terms(views: 3_000) with { Tier = Tier.Guaranteed }, Terms(views: 100_000) with { Pacing = Pacing.Asap }];
        var forecast = Forecast.Of(WantedLine.Of(terms[0]), [(Germany, curve)], [.. terms.Skip(1).Select(WantedLine.Of)], 28, Monday);

        var ids = terms.Select(_ => Guid.NewGuid()).ToArray();
        var shown = new double[terms.Length];
        var random = new Random(7);
        for (var now = Monday; now < Monday.AddDays(1); now = now.AddSeconds(Catalog.EpochSeconds))
        {
            var lines = terms.Select((t, i) => new PlannedLine(ids[i], Guid.NewGuid(), Guid.NewGuid(), t,
                new PacePeriod(Schedule.Windows(t, t.StartsAt, t.EndsAt), WantedLine.Of(t).Left, shown[i], TimeSpan.Zero), ["digest"])).ToList();
            var catalog = Planner.Make(lines, [new PlannedCell(Germany, [(Germany, curve)])], now.ToUnixTimeSeconds()).Cells[Germany];
            for (var chance = curve.Between(now, now.AddSeconds(Catalog.EpochSeconds)); random.NextDouble() < chance; chance--)
            {
                var taking = catalog.Where(l => random.Next(CatalogLine.MaxPass) < l.Pass).ToList();
                if (taking.Count == 0) continue;
                var best = taking.Where(l => l.Tier == taking.Min(t => t.Tier)).ToList();
                var drawn = random.Next(best.Sum(l => l.Weight));
                shown[Array.IndexOf(ids, best.First(l => (drawn -= l.Weight) < 0).Id)]++;
            }
        }

        Assert.InRange(shown[0], forecast.Deliverable * 0.9, forecast.Deliverable * 1.1);
    }

    private static int Round(double views) => (int)Math.Round(views);

    /// <summary>A Monday of a hundred places an hour.</summary>
    private static Forecast Of(LineTerms terms, params LineTerms[] others) => Of(terms, [(Germany, 100)], others);

    private static Forecast Of(LineTerms terms, (Cell Cell, double PerHour)[] cells, params LineTerms[] others) =>
        Forecast.Of(WantedLine.Of(terms), [.. cells.Select(c => (c.Cell, OpportunityCurve.Flat(c.PerHour)))], [.. others.Select(WantedLine.Of)], 28, Monday);

    private static LineTerms Terms(int views) => new(
        Tier.Standard, 100, 1_000_000, BudgetKind.Lifetime, views * 1_000L, Monday, Monday.AddDays(1), "UTC", Pacing.Even, Targets.Everybody, [], []);
}
