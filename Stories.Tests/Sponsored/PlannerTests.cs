using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;
using Tier = Stories.Protocol.Sponsored.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>From lines and cells to catalogs, as arithmetic.</summary>
public sealed class PlannerTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly long Epoch = Catalog.EpochAt(Noon);
    private static readonly Cell Germany = new("chat", Placement.Tray, "DE", "de", AgeBand.Unknown), Austria = new("chat", Placement.Tray, "AT", "de", AgeBand.Unknown);

    [Fact]
    public void A_line_is_in_the_cells_of_its_people_with_one_pass_in_all_of_them()
    {
        var everywhere = Line();
        var austrian = Line(Terms() with { Targets = new Targets([], ["AT"], []) });

        var plan = Planner.Make([everywhere, austrian], [Alone(Germany, 1200), Alone(Austria, 600)], Epoch);

        Assert.Equal([everywhere.Id], plan.Cells[Germany].Select(l => l.Id));
        Assert.Equal(new[] { everywhere.Id, austrian.Id }.Order(), plan.Cells[Austria].Select(l => l.Id));
        Assert.Equal(plan.Cells[Germany].Single().Pass, plan.Cells[Austria].Single(l => l.Id == everywhere.Id).Pass);
    }

    [Fact]
    public void What_is_merged_holds_the_lines_of_all_of_its_parts()
    {
        var merged = Germany with { Country = null, Language = null };
        var austrian = Line(Terms() with { Targets = new Targets([], ["AT"], []) });
        var french = Line(Terms() with { Targets = new Targets([], ["FR"], []) });

        var plan = Planner.Make([austrian, french], [new PlannedCell(merged, [(Germany, OpportunityCurve.Flat(10)), (Austria, OpportunityCurve.Flat(10))])], Epoch);

        var line = Assert.Single(plan.Cells[merged]);
        Assert.Equal((austrian.Id, "AT"), (line.Id, line.Countries.Single()));
    }

    [Fact]
    public void The_same_lines_and_cells_make_the_same_plan()
    {
        var lines = Enumerable.Range(0, 50).Select(_ => Line()).ToList();

        Assert.Equivalent(Planner.Make(lines, [Alone(Germany, 1200)], Epoch).Cells, Planner.Make(lines, [Alone(Germany, 1200)], Epoch).Cells, strict: true);
    }

    [Fact]
    public void A_cell_holds_a_thousand_lines_of_the_best_tiers_and_of_these_the_heaviest()
    {
        var lines = Enumerable.Range(0, 1_200).Select(i => Line(Terms() with { Tier = i < 600 ? Tier.Guaranteed : Tier.Standard, Weight = 1 + i % 600 })).ToList();

        var cell = Planner.Make(lines, [Alone(Germany, 1_000_000)], Epoch).Cells[Germany];

        Assert.Equal(Catalog.MaxLines, cell.Count);
        Assert.Equal(600, cell.Count(l => l.Tier == Tier.Guaranteed));
        Assert.Equal(201, cell.Where(l => l.Tier == Tier.Standard).Min(l => l.Weight));
    }

    [Fact]
    public void Who_has_nothing_left_is_out_and_who_has_not_begun_is_in_with_windows_to_come()
    {
        var spent = Line(spent: 4000);
        var tomorrow = Line(Terms() with { StartsAt = Noon.AddDays(1) });
        var late = Line(Terms() with { StartsAt = Noon.AddDays(3) });

        var line = Assert.Single(Planner.Make([spent, tomorrow, late], [Alone(Germany, 1200)], Epoch).Cells[Germany]);

        Assert.Equal(tomorrow.Id, line.Id);
        Assert.Equal(Noon.AddDays(1).ToUnixTimeSeconds(), line.Windows[0].From);
    }

    [Fact]
    public void A_line_whose_rest_may_be_shown_already_is_held_until_more_is_counted()
    {
        var terms = Terms() with { Pacing = Pacing.Asap, StartsAt = Noon.AddHours(-1) };

        // A hundred left, and within twenty minutes four hundred had the chance to show it.
        var held = Line(terms, spent: 3900, lag: TimeSpan.FromMinutes(20));
        var known = Line(terms, spent: 3900);
        var plan = Planner.Make([held, known], [Alone(Germany, 1200)], Epoch);

        Assert.Equal([known.Id], plan.Cells[Germany].Select(l => l.Id));
        Assert.True(plan.Lines.Single(l => l.Line.Id == held.Id).Pace.IsHeld);
    }

    [Fact]
    public void What_higher_tiers_take_is_made_up_for_by_a_higher_pass()
    {
        var line = Line(Terms() with { Pacing = Pacing.Linear });
        var sponsor = Line(Terms() with { Tier = Tier.Sponsorship, Pacing = Pacing.Asap, BudgetMicros = 1_000_000_000_000 }, budget: 200_000_000);

        var alone = Planner.Make([line], [Alone(Germany, 1200)], Epoch).Lines.Single();
        var below = Planner.Make([line, sponsor], [Alone(Germany, 1200)], Epoch).Lines.Single(l => l.Line.Id == line.Id);

        Assert.Equal(1, alone.Availability, 6);
        Assert.Equal(0, below.Availability, 6);
        Assert.True(below.Pace.Pass > alone.Pace.Pass);
    }

    [Fact]
    public void Over_many_epochs_coarse_passes_are_the_exact_one()
    {
        var (id, terms) = (Guid.NewGuid(), Terms() with { Pacing = Pacing.Linear });

        var plans = Enumerable.Range(0, 500).Select(i => Planner.Make([Line(terms, id: id)], [Alone(Germany, 12_000)], Epoch + i * Catalog.EpochSeconds).Lines.Single()).ToList();

        Assert.True(plans.Select(p => p.Pass).Distinct().Count() > 1);
        Assert.Equal(plans.Average(p => p.Pace.Pass) * CatalogLine.MaxPass, plans.Average(p => p.Pass), 0.1);
    }

    [Fact]
    public void Small_cells_are_merged_by_country_and_then_all_together_and_never_across_ages()
    {
        var cells = new (Cell, long)[]
        {
            (Cell("DE", "de"), 100), (Cell("DE", "tr"), 30), (Cell("DE", "fr"), 25), (Cell("AT", "de"), 10), (Cell("CH", "de"), 20), (Cell("CH", "de", AgeBand.Adult), 60), (Cell("AT", "de", AgeBand.Adult), 5),
        };

        var merged = CellSizes.Merge(cells, 50).ToDictionary(m => m.Cell.ToString(), m => m.Parts.Select(p => p.ToString()).ToArray());

        Assert.Equal(["chat/tray/*/*/adult", "chat/tray/*/*/unknown", "chat/tray/CH/de/adult", "chat/tray/DE/*/unknown", "chat/tray/DE/de/unknown"], merged.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["chat/tray/DE/fr/unknown", "chat/tray/DE/tr/unknown"], merged["chat/tray/DE/*/unknown"]);
        Assert.Equal(["chat/tray/AT/de/unknown", "chat/tray/CH/de/unknown"], merged["chat/tray/*/*/unknown"]);
        Assert.Equal(["chat/tray/AT/de/adult"], merged["chat/tray/*/*/adult"]);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(12, 1)]
    [InlineData(13, 2)]
    [InlineData(600, 50)]
    public void Requests_of_an_hour_prove_devices_that_ask_once_an_epoch(long fetches, long devices) => Assert.Equal(devices, CellSizes.Devices(fetches));

    [Fact]
    public void Errors_are_told_by_percentile_of_lines_that_have_a_course()
    {
        var behind = Enumerable.Range(1, 100).Select(i => new LinePlan(Line(spent: 1000 - i), new Pace(1, 0, 0, 1000, IsHeld: false), 64, 1, 1, [])).ToList();
        var asap = new LinePlan(Line(Terms() with { Pacing = Pacing.Asap }), new Pace(1, 0, 0, 4000, IsHeld: false), 64, 1, 1, []);

        var errors = PacingErrors.Of(new Plan([.. behind, asap], new Dictionary<Cell, IReadOnlyList<CatalogLine>>()));

        Assert.Equal((0.0505, 0.050, 0.090, 0.099), (Math.Round(errors.Mean, 6), errors.P50, errors.P90, errors.P99));
        Assert.Equal(PacingErrors.None, PacingErrors.Of(new Plan([asap], new Dictionary<Cell, IReadOnlyList<CatalogLine>>())));
    }

    private static Cell Cell(string country, string language, AgeBand age = AgeBand.Unknown) => new("chat", Placement.Tray, country, language, age);

    private static PlannedCell Alone(Cell cell, double perHour) => new(cell, [(cell, OpportunityCurve.Flat(perHour))]);

    private static LineTerms Terms() => new(
        Tier.Standard, 100, 5_000_000, BudgetKind.Lifetime, 20_000_000, Noon.AddDays(-1), Noon.AddDays(6), "UTC", Pacing.Even, Targets.Everybody, [], []);

    private static PlannedLine Line(LineTerms? terms = null, double spent = 0, double budget = 4000, TimeSpan lag = default, Guid? id = null)
    {
        terms ??= Terms();
        return new PlannedLine(id ?? Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), terms, new PacePeriod(Schedule.Windows(terms, terms.StartsAt, terms.EndsAt), budget, spent, lag), ["digest"]);
    }
}
