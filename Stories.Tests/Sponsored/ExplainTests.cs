using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using Tier = Stories.Protocol.Sponsored.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>Why a line delivers as it does: what is told of catalogs that the planner has really made.</summary>
public sealed class ExplainTests(LocalServers servers)
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_active_line_is_told_its_plan_and_what_each_cell_does_with_it()
    {
        await using var rig = await StartAsync();
        var creative = (await rig.ApprovedAsync()).Id;
        var line = await rig.ActiveLineAsync(creative);
        await AskAsync(rig, "DE");
        await rig.PlanAsync();

        var found = await rig.Ads.ExplainAsync(line.Id, Cancel);

        Assert.Equal((EffectiveStatus.Active, 0), (found.Effective, found.Blockers.Count));
        Assert.Equal((4_000, 0), (found.Plan!.Budget, found.Plan.Billed));
        var cell = Assert.Single(found.Cells);
        Assert.Equal(("chat/tray/DE/de/unknown", CellVerdict.Delivering, 0, 0, 1000), (cell.Cell, cell.Verdict, cell.Before, cell.Beside, cell.WonPerMille));
        Assert.InRange(cell.Pass!.Value, 1, CatalogLine.MaxPass);
    }

    [Fact]
    public async Task A_line_below_others_is_told_that_they_are_asked_first()
    {
        await using var rig = await StartAsync();
        var creative = (await rig.ApprovedAsync()).Id;
        await rig.ActiveLineAsync(creative, rig.Terms(budget: 50_000_000) with { Tier = Tier.Sponsorship });
        var line = await rig.ActiveLineAsync(creative);
        await AskAsync(rig, "DE");
        await rig.PlanAsync();

        var cell = Assert.Single((await rig.Ads.ExplainAsync(line.Id, Cancel)).Cells);

        Assert.Equal((CellVerdict.Outranked, 1, 0, 0), (cell.Verdict, cell.Before, cell.WonPerMille, (int)cell.Expected));
    }

    [Fact]
    public async Task A_stopped_line_is_told_what_keeps_it_and_that_it_is_in_no_catalog()
    {
        await using var rig = await StartAsync();
        var line = await rig.ActiveLineAsync((await rig.ApprovedAsync()).Id);
        await AskAsync(rig, "DE");
        await rig.Ads.ChangeStatusAsync(line.Id, ConfiguredStatus.Paused, cancellationToken: Cancel);
        await rig.PlanAsync();

        var found = await rig.Ads.ExplainAsync(line.Id, Cancel);

        Assert.Equal((EffectiveStatus.Paused, BlockerCode.LinePaused), (found.Effective, found.Blockers[0].Code));
        Assert.Null(found.Plan);
        Assert.Equal((CellVerdict.Held, null), (found.Cells.Single().Verdict, found.Cells.Single().Pass));
    }

    [Fact]
    public async Task Cells_in_which_nobody_looks_now_are_told()
    {
        await using var rig = await StartAsync();
        var line = await rig.ActiveLineAsync((await rig.ApprovedAsync()).Id);
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"insert into cell_hours (cell, hour, fetches, opportunities) values ('chat/tray/FR/fr/unknown', {rig.Now.AddDays(-2)}, 10, 10)", Cancel));
        await rig.PlanAsync();

        Assert.Equal(CellVerdict.NobodyLooks, (await rig.Ads.ExplainAsync(line.Id, Cancel)).Cells.Single(c => c.Cell == "chat/tray/FR/fr/unknown").Verdict);
    }

    [Fact]
    public void What_a_catalog_does_with_a_line_is_read_from_it()
    {
        var terms = new LineTerms(Tier.Standard, 100, 5_000_000, BudgetKind.Lifetime, 1, Noon, Noon.AddDays(1), "UTC", Pacing.Even, Targets.Everybody, [], []);
        var mine = Line(Tier.Standard, 100, pass: 32);

        var among = CellStanding.Of(Of(mine, Line(Tier.Guaranteed, 1, pass: 16), Line(Tier.Standard, 300, pass: 64), Line(Tier.House, 1000, pass: 64), Line(Tier.Sponsorship, 1, pass: 0)), mine.Id, terms, Noon);
        Assert.Equal((CellVerdict.Delivering, 32, 1, 1), (among.Verdict, among.Pass, among.Before, among.Beside));
        Assert.Equal(0.75 * 0.25, among.Won, 9);
        Assert.Equal(0.5 * 0.75 * 0.25, among.Share, 9);

        Assert.Equal(CellVerdict.Outranked, CellStanding.Of(Of(mine, Line(Tier.Sponsorship, 1, pass: 60)), mine.Id, terms, Noon).Verdict);
        Assert.Equal(CellVerdict.Held, CellStanding.Of(Of(mine with { Pass = 0 }), mine.Id, terms, Noon).Verdict);
        Assert.Equal(CellVerdict.Held, CellStanding.Of(Of(), mine.Id, terms, Noon).Verdict);
        Assert.Equal(CellVerdict.OutsideWindow, CellStanding.Of(Of(mine), mine.Id, terms, Noon.AddDays(1)).Verdict);
        Assert.Equal(CellVerdict.Full, CellStanding.Of(Of([.. Enumerable.Range(0, 1_000).Select(_ => Line(Tier.Guaranteed, 1, 1))]), mine.Id, terms, Noon).Verdict);

        // Of another country in a catalog of several: they never meet.
        var austrian = Line(Tier.Sponsorship, 1, pass: 64) with { Countries = ["AT"] };
        Assert.Equal(1, CellStanding.Of(Of(mine, austrian), mine.Id, terms with { Targets = new Targets([], ["DE"], []) }, Noon).Won);
    }

    private async Task<Campaigning> StartAsync()
    {
        var rig = await Campaigning.StartAsync(servers, new() { ["Ads:CellFloor"] = "1" });
        rig.Service.Clock.Freeze(DateTimeOffset.FromUnixTimeSeconds(Catalog.EpochAt(rig.Now) + Catalog.EpochSeconds / 2));
        // Enough people that what is on its way does not hold a line.
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
            insert into cell_hours (cell, hour, fetches, opportunities)
            select 'chat/tray/DE/de/unknown', date_trunc('hour', {rig.Now}::timestamptz) - n * interval '1 hour', 1, 120 from generate_series(1, 48) as n
            """, Cancel));
        return rig;
    }

    private static async Task AskAsync(Campaigning rig, string country)
    {
        var cell = new Cell(Service.ChatApp, Placement.Tray, country, "de", AgeBand.Unknown);
        var refused = await Assert.ThrowsAsync<StoriesProblemException>(() => rig.Service.User("viewer").Client.ReadCatalogAsync(cell, null, Cancel));
        Assert.Equal(ProblemCodes.CatalogPending, refused.Code);
    }

    private static Catalog Of(params CatalogLine[] lines) => new("test", new Cell("chat", Placement.Tray, "DE", "de", AgeBand.Unknown), Noon.ToUnixTimeSeconds(), new AdPolicy(), lines, []);

    private static CatalogLine Line(Tier tier, int weight, int pass) => new(
        Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), tier, weight, pass, [new Window(Noon.ToUnixTimeSeconds(), Noon.AddHours(1).ToUnixTimeSeconds())], [], null, [], [], ["digest"]);
}
