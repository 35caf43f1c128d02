using CsCheck;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Tests.Sponsored;

/// <summary>Pacing as arithmetic: a crowd that comes as the curve says, one line, and its budget.</summary>
public sealed class PaceTests
{
    private static readonly DateTimeOffset Monday = new(2026, 3, 2, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Epoch = TimeSpan.FromSeconds(Catalog.EpochSeconds);

    /// <summary>Two peaks and a night in which next to nobody looks.</summary>
    private static readonly OpportunityCurve DoublePeak = new([.. Enumerable.Range(0, OpportunityCurve.Hours).Select(h => (h % 24) switch { < 5 => 2.0, 8 or 9 => 900, 19 or 20 or 21 => 1400, < 7 => 50, _ => 300 })]);

    [Theory]
    [InlineData(Pacing.Even)]
    [InlineData(Pacing.Linear)]
    [InlineData(Pacing.Front)]
    public void A_line_spends_its_day_within_five_percent(Pacing pacing)
    {
        var run = new Run(DoublePeak, pacing, Monday, Monday.AddDays(1), 3000);

        run.Go(Monday, Monday.AddDays(1));

        Assert.InRange(run.Shown, 3000 * 0.95, 3000);
    }

    [Fact]
    public void What_is_shown_and_not_looked_at_puts_no_line_behind()
    {
        var run = new Run(DoublePeak, Pacing.Even, Monday, Monday.AddDays(1), 3000) { Viewable = 0.75 };

        run.Go(Monday, Monday.AddHours(15));
        var planned = 3000 * DoublePeak.Between(Monday, Monday.AddHours(15)) / DoublePeak.Between(Monday, Monday.AddDays(1));
        Assert.InRange(run.Shown, planned * 0.97, planned * 1.03);
        run.Go(Monday.AddHours(15), Monday.AddDays(1));
        Assert.InRange(run.Shown, 3000 * 0.97, 3000);
    }

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(20, 0, 0.5)]
    [InlineData(1_000_000, 700_000, 0.7)]
    // Credited and corrected: never more than all.
    [InlineData(10, 11, 1)]
    public void Little_that_is_known_of_looking_says_little(long valid, long viewable, double share) => Assert.Equal(share, Viewability.Of(valid, viewable), 4);

    [Fact]
    public void No_hour_with_people_is_blacked_out()
    {
        var run = new Run(DoublePeak, Pacing.Even, Monday, Monday.AddDays(2), 6000);

        run.Go(Monday, Monday.AddDays(2));

        // At night two look; and the guard's last views may stay unspent, so the last hour does not count.
        var awake = Enumerable.Range(0, 47).Where(h => DoublePeak.Between(Monday.AddHours(h), Monday.AddHours(h + 1)) >= 50).ToList();
        Assert.Equal(37, awake.Count);
        Assert.All(awake, hour => Assert.True(run.ByHour[hour] > 0));
    }

    [Fact]
    public void What_an_outage_left_is_made_up_for_and_not_dumped_at_the_end()
    {
        var run = new Run(DoublePeak, Pacing.Even, Monday, Monday.AddDays(1), 3000) { Outage = (Monday.AddHours(10), Monday.AddHours(13)) };

        run.Go(Monday, Monday.AddDays(1));

        Assert.InRange(run.Shown, 3000 * 0.95, 3000);
        var planned = 3000 * DoublePeak.Between(Monday.AddHours(23), Monday.AddHours(24)) / DoublePeak.Between(Monday, Monday.AddDays(1));
        Assert.True(run.ByHour[23] < 2 * planned, $"{run.ByHour[23]} in the last hour, {planned} planned");
    }

    [Fact]
    public void A_late_rise_of_the_budget_is_spent()
    {
        var run = new Run(DoublePeak, Pacing.Even, Monday, Monday.AddDays(1), 2000);

        run.Go(Monday, Monday.AddHours(14));
        run.Budget = 4000;
        run.Go(Monday.AddHours(14), Monday.AddDays(1));

        Assert.InRange(run.Shown, 4000 * 0.95, 4000);
    }

    [Fact]
    public void Front_is_ahead_of_even_and_asap_of_both()
    {
        double At(Pacing pacing)
        {
            var run = new Run(DoublePeak, pacing, Monday, Monday.AddDays(1), 3000);
            run.Go(Monday, Monday.AddHours(12));
            return run.Shown;
        }

        Assert.True(At(Pacing.Even) < At(Pacing.Front));
        Assert.True(At(Pacing.Front) < At(Pacing.Asap));
    }

    [Fact]
    public void Shown_and_not_yet_counted_views_never_carry_a_line_over_its_budget() =>
        Gen.Select(Gen.Int[1, 20_000], Gen.Int[0, 3], Gen.Double[0, 3000], Gen.Int[0, 1000]).Sample((budget, pacing, perHour, seed) =>
        {
            var run = new Run(OpportunityCurve.Flat(perHour), (Pacing)pacing, Monday, Monday.AddHours(8), budget) { Random = new Random(seed) };

            run.Go(Monday, Monday.AddHours(8));

            // Three sigmas of one epoch, where chance is all that is left.
            return run.Shown <= budget + 3 * Math.Sqrt(budget) + 3;
        }, iter: 300, seed: "0000KXx9cjd2");

    [Fact]
    public void The_day_on_which_clocks_go_on_is_spent_too()
    {
        var terms = Terms("Europe/Berlin", [new Daypart([.. Enum.GetValues<DayOfWeek>()], 1, 6)]);
        var day = new DateOnly(2026, 3, 29);
        var windows = Schedule.Windows(terms, Schedule.StartOfDay(terms, day), Schedule.StartOfDay(terms, day.AddDays(1)));

        // One to six by the clock, and two to three is not there.
        Assert.Equal(4 * 3600, windows.Sum(w => w.To - w.From));
        Assert.Equal(1, Pace.PlannedShare(Pacing.Even, windows, OpportunityCurve.Flat(10), Schedule.StartOfDay(terms, day).AddHours(6)));
        Assert.Equal(0.5, Pace.PlannedShare(Pacing.Even, windows, OpportunityCurve.Flat(10), Schedule.StartOfDay(terms, day).AddHours(3)), 3);
    }

    [Fact]
    public void A_curve_learns_the_shape_of_a_week()
    {
        var hours = Enumerable.Range(0, 24 * 28).Select(h => (Monday.AddHours(h), (double)(h % 24 == 20 ? 1000 : 10)));

        var curve = OpportunityCurve.Learn(hours, Monday.AddDays(28));

        Assert.InRange(curve.Between(Monday.AddDays(28).AddHours(20), Monday.AddDays(28).AddHours(21)), 900, 1000);
        Assert.InRange(curve.Between(Monday.AddDays(28).AddHours(3), Monday.AddDays(28).AddHours(4)), 10, 100);
    }

    [Fact]
    public void A_budget_that_is_used_up_or_a_time_that_is_over_is_a_hard_stop()
    {
        var period = new PacePeriod([new Window(Monday.ToUnixTimeSeconds(), Monday.AddDays(1).ToUnixTimeSeconds())], 100, 100, TimeSpan.Zero);

        Assert.Equal(0, Pace.For(Pacing.Even, period, OpportunityCurve.Flat(10), 1, Monday.AddHours(3)).Pass);
        Assert.Equal(0, Pace.For(Pacing.Even, period with { Spent = 3 }, OpportunityCurve.Flat(10), 1, Monday.AddDays(1)).Pass);
        Assert.True(Pace.For(Pacing.Even, period with { Spent = 3 }, OpportunityCurve.Flat(10), 1, Monday.AddHours(3)).Pass >= 0.01);
    }

    private static LineTerms Terms(string zone, IReadOnlyList<Daypart> dayparts) => new(
        Tier.Standard, 1, 1_000_000, BudgetKind.Daily, 1_000_000, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2026, 12, 31, 0, 0, 0, TimeSpan.Zero), zone, Pacing.Even, Targets.Everybody, dayparts, []);

    /// <summary>What the planner and a crowd do to one line, epoch by epoch; what was shown is known twenty minutes later.</summary>
    private sealed class Run(OpportunityCurve curve, Pacing pacing, DateTimeOffset begin, DateTimeOffset end, double budget)
    {
        private static readonly TimeSpan Lag = TimeSpan.FromMinutes(20);
        private readonly Queue<(DateTimeOffset At, double Views)> inFlight = [];
        private double counted;

        public double Budget { get; set; } = budget;
        public double Shown { get; private set; }
        public double[] ByHour { get; } = new double[(int)(end - begin).TotalHours];
        public (DateTimeOffset From, DateTimeOffset To)? Outage { get; init; }
        public Random Random { get; init; } = new(1);

        /// <summary>Of what is shown.</summary>
        public double Viewable { get; init; } = 1;

        public void Go(DateTimeOffset from, DateTimeOffset to)
        {
            for (var now = from; now < to; now += Epoch)
            {
                while (inFlight.TryPeek(out var oldest) && oldest.At + Lag <= now) counted += inFlight.Dequeue().Views;
                var period = new PacePeriod([new Window(begin.ToUnixTimeSeconds(), end.ToUnixTimeSeconds())], Budget, counted, Lag, Viewable);
                var pace = Pace.For(pacing, period, curve, 1, now);
                if (Outage is { } outage && now >= outage.From && now < outage.To) continue;
                var pass = pace.Quantised(Random.NextDouble()) / (double)CatalogLine.MaxPass;
                var chances = (int)Math.Floor(curve.Between(now, now + Epoch) + Random.NextDouble());
                double views = 0;
                for (var i = 0; i < chances; i++) if (Random.NextDouble() < pass && (Viewable >= 1 || Random.NextDouble() < Viewable)) views++;
                Shown += views;
                ByHour[(int)(now - begin).TotalHours] += views;
                inFlight.Enqueue((now, views));
            }
        }
    }
}
