using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Sponsored;

/// <summary>What an advertiser is told: its own sums to the last view, and of parts only what is of many.</summary>
public sealed class ReportTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private Booked booked = null!;
    private HttpClient http = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Booked.StartAsync(servers);
        service.Clock.MoveTo(Midnight(service.Clock.GetUtcNow()).AddDays(1).AddHours(12.5));
        booked = await Booked.BookAsync(service);
        http = service.Http(booked.Owner, "ads.manage");
    }

    public ValueTask DisposeAsync()
    {
        http.Dispose();
        return service.DisposeAsync();
    }

    [Fact]
    public async Task A_statement_adds_up_to_the_micro()
    {
        var (record, now) = (booked.Record(), service.Clock.GetUtcNow());
        await Booked.SubmitAsync(service, "bob", record, record, booked.Record() with { Ordinal = 8 }, booked.Record() with { Dwell = DwellBucket.UnderOneSecond, Quartile = Quartile.Start }, booked.Record(2));
        await Booked.FoldAsync(service);
        var row = Single(await ReportAsync("statement"));
        Assert.Equal((5, 3, 1, 1, 0), (row["received"], row["valid"], row["duplicate"], row["invalid"], row["late"]));
        Assert.Equal((2, 0, 1, Cost.Of(2, Booked.Price)), (row["billed"], row["overdelivered"], row["free"], row["settledMicros"]));
        Assert.Equal(row["settledMicros"], await service.ReadAsync(db => db.Transfers.Where(t => t.Kind == TransferKind.Settlement).SumAsync(t => t.Amount, Cancel)));

        using var ops = service.Http("operator", "ops");
        using var credit = new HttpRequestMessage(HttpMethod.Post, $"v1/ads/lines/{booked.Line}/credits") { Content = JsonContent.Create(new CreditRequest(1, CreditReason.InvalidTraffic, "r"), options: StoriesJson.Options), Headers = { { "Idempotency-Key", "k" } } };
        using (var answer = await ops.SendAsync(credit, Cancel)) Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        row = Single(await ReportAsync("statement"));
        Assert.Equal((2, 1, 5000, 5000), (row["billed"], row["credited"], row["creditedMicros"], row["netMicros"]));
        Assert.Equal(now.UtcDateTime.Date, (await ReportAsync("statement", "&by=day")).To.ToDateTime(TimeOnly.MinValue));
    }

    [Fact]
    public async Task Every_line_and_day_that_was_asked_for_is_there_with_zeros_where_nothing_was()
    {
        var idle = await Booked.BookAsync(service, beside: booked);
        await Booked.SubmitAsync(service, "bob", booked.Record());
        await Booked.FoldAsync(service);
        var totals = await ReportAsync("delivery");
        Assert.Equal([booked.Line, idle.Line], totals.Rows.Select(r => r.Line));
        Assert.All(totals.Rows[1].Values, v => Assert.Equal(0, v));
        Assert.All(totals.Rows, r => Assert.Equal(totals.Columns.Count, r.Values.Count));

        var days = await ReportAsync("delivery", $"&by=day&line={booked.Line}");
        Assert.Equal(30, days.Rows.Count);
        Assert.Equal(days.Rows.Select(r => r.Key).Order(), days.Rows.Select(r => r.Key));
        Assert.All(days.Rows.SkipLast(1), r => Assert.All(r.Values, v => Assert.Equal(0, v)));
        Assert.Equal(totals.Rows[0].Values, days.Rows[^1].Values);
        foreach (var kind in (string[])["reach", "retention", "funnel", "invalid", "statement", "pacing", "blockers"]) Assert.Equal(2, (await ReportAsync(kind)).Rows.Count);
    }

    [Fact]
    public async Task Somebody_elses_lines_are_not_found_and_what_there_is_not_is_refused()
    {
        using var other = service.Http("rival", "ads.manage");
        foreach (var what in (string[])[$"?line={booked.Line}", $"?campaign={booked.Campaign}"])
            using (var answer = await other.GetAsync($"v1/ads/reports/delivery{what}", Cancel)) Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Empty((await (await other.GetAsync("v1/ads/reports/delivery", Cancel)).Content.ReadFromJsonAsync<ReportView>(StoriesJson.Options, Cancel))!.Rows);
        using (var viewer = service.Http(booked.Owner, "stories.view"))
        using (var answer = await viewer.GetAsync("v1/ads/reports/delivery", Cancel)) Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        foreach (var refused in (string[])["wishes", "0", "delivery?by=minute", "reach?by=cell", "delivery?format=xml", "delivery?from=2020-01-01", "delivery?from=2030-01-02&to=2030-01-01"])
        {
            using var answer = await http.GetAsync($"v1/ads/reports/{refused}", Cancel);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains(ProblemCodes.ReportRefused, await answer.Content.ReadAsStringAsync(Cancel));
        }
    }

    [Fact]
    public async Task Reach_comes_from_ordinals_and_a_gap_in_them_is_marked()
    {
        await Booked.SubmitAsync(service, "bob", booked.Record(1), booked.Record(2), booked.Record(3), booked.Record(1), booked.Record(2), booked.Record(1), booked.Record(6));
        await Booked.FoldAsync(service);
        var report = await ReportAsync("reach");
        var row = Single(report);
        Assert.Equal((3, 1, 1, 1, 0), (row["devices"], row["exactly1"], row["exactly2"], row["exactly3"], row["atLeast5"]));
        Assert.Equal(2.333m, row["meanFrequency"]);
        Assert.Empty(report.Rows[0].Marks);
        await Booked.SubmitAsync(service, "bob", booked.Record(3), booked.Record(3));
        await Booked.FoldAsync(service);
        Assert.Equal(["ordinalGap"], (await ReportAsync("reach")).Rows[0].Marks);
    }

    [Fact]
    public async Task Retention_never_rises_and_the_funnel_narrows()
    {
        AdRecord[] records = [.. Enum.GetValues<Quartile>().Select(q => booked.Record() with { Quartile = q, Action = q == Quartile.Half ? AdAction.OpenUrl : q == Quartile.Start ? AdAction.HideAd : AdAction.None })];
        await Booked.SubmitAsync(service, "bob", records);
        await Booked.FoldAsync(service);
        var retention = Single(await ReportAsync("retention"));
        Assert.Equal((5, 4, 3, 2, 1), (retention["start"], retention["first"], retention["half"], retention["third"], retention["complete"]));
        var funnel = Single(await ReportAsync("funnel"));
        Assert.Equal((5, 5, 1, 0, 1), (funnel["valid"], funnel["viewable"], funnel["openUrl"], funnel["pay"], funnel["hideAd"]));
    }

    [Fact]
    public async Task A_day_is_final_48_hours_after_its_end_when_nothing_waits_any_more()
    {
        var record = booked.Record();
        await Booked.SubmitAsync(service, "bob", record);
        var day = DateOnly.FromDateTime(service.Clock.GetUtcNow().UtcDateTime);
        var finalAt = Midnight(service.Clock.GetUtcNow()).AddDays(3);
        service.Clock.MoveTo(finalAt - TimeSpan.FromSeconds(30));
        Assert.Equal((ReportState.Provisional, finalAt), await StateAsync());
        service.Clock.MoveTo(finalAt + TimeSpan.FromSeconds(1));
        // Still in the pool: it came in time, and will be counted.
        Assert.Equal((ReportState.Provisional, finalAt), await StateAsync());
        await Booked.FoldAsync(service);
        Assert.Equal((ReportState.Final, finalAt), await StateAsync());
        var before = (await ReportAsync("statement", $"&by=day&from={day:yyyy-MM-dd}&to={day:yyyy-MM-dd}")).Rows.Single();
        Assert.Equal(1, before.Values[0]);

        // Whatever comes now changes other days only.
        await Booked.SubmitAsync(service, "bob", record, booked.Record() with { Hour = record.Hour, Epoch = record.Epoch });
        await Booked.FoldAsync(service);
        Assert.Equivalent(before, (await ReportAsync("statement", $"&by=day&from={day:yyyy-MM-dd}&to={day:yyyy-MM-dd}")).Rows.Single());

        async Task<(ReportState, DateTimeOffset)> StateAsync()
        {
            var row = (await ReportAsync("statement", $"&by=day&from={day:yyyy-MM-dd}&to={day:yyyy-MM-dd}")).Rows.Single();
            return (row.State, row.FinalAt);
        }
    }

    [Theory]
    [InlineData("cell")]
    [InlineData("creative")]
    [InlineData("hour")]
    public async Task Parts_are_shown_when_they_are_large_and_final_and_add_up_with_the_rest(string by)
    {
        var today = Midnight(service.Clock.GetUtcNow());
        // Large, near the threshold, and of one person.
        long[] devices = [5000, 300, 62, 50, 12, 1];
        foreach (var (i, count) in devices.Index())
        {
            var (hour, cell, creative) = (today.AddHours(i), by == "cell" ? $"cell-{i}" : "c", by == "creative" ? new string((char)('a' + i), 64) : booked.Creative);
            foreach (var (counter, value) in ((string, long)[])[(Counters.Received, 2 * count), (Counters.Valid, 2 * count), (Counters.Free, 2 * count), (Counters.Ordinal(1), count), (Counters.Ordinal(2), count), (Counters.Of(AdAction.OpenUrl), count / 10)])
                await service.ReadAsync(db => db.Database.ExecuteSqlAsync($"insert into counts (line_id, hour, cell, creative, counter, value) values ({booked.Line}, {(by == "hour" ? hour : today)}, {cell}, {creative}, {counter}, {value}) on conflict (line_id, hour, cell, creative, counter) do nothing", Cancel));
        }
        var total = Single(await ReportAsync("delivery"));
        var open = await ReportAsync("delivery", $"&by={by}");
        Assert.Equal([ReportView.Other], open.Rows.Select(r => r.Key));
        Assert.Equal(total["valid"], open.Rows[0].Values[0]);

        service.Clock.Advance(TimeSpan.FromDays(4));
        var report = await ReportAsync("delivery", $"&by={by}&from={today:yyyy-MM-dd}&to={today:yyyy-MM-dd}");
        Assert.Equal(["shown", "devices", "actions"], report.Columns);
        Assert.Equal(total["valid"], report.Rows.Sum(r => r.Values[0]));
        Assert.Equal(devices.Sum(), (long)report.Rows.Sum(r => r.Values[1]));
        Assert.Equal(total["actions"], report.Rows.Sum(r => r.Values[2]));
        Assert.All(report.Rows, r => Assert.All(r.Values, v => Assert.True(v >= 0)));
        var parts = report.Rows.Where(r => r.Key != ReportView.Other).ToList();
        Assert.Equal(ReportView.Other, report.Rows[^1].Key);
        Assert.InRange(parts.Count, 2, 4);
        Assert.All(parts, p => Assert.True(p.Values[1] >= Breakdown.LeastDevices));
        Assert.All(parts, p => Assert.True(p.Values[2] == 0 || p.Values[2] >= Breakdown.LeastActions));
        Assert.Equal(ReportState.Final, parts[0].State);

        // Whoever asks again, of whichever days around, on whichever host, with whatever caps the line has now, learns nothing more.
        await service.ReadAsync(db => db.Database.ExecuteSqlAsync($$"""update lines set terms = jsonb_set(terms, '{caps}', '[{"level":"line","most":1,"seconds":86400}]') where id = {{booked.Line}}""", Cancel));
        Assert.Equal([new Cap(CapLevel.Line, 1, 86_400)], (await service.ReadAsync(db => db.Lines.SingleAsync(l => l.Id == booked.Line, Cancel))).Terms.Caps);
        using var second = service.Http(booked.Owner, "ads.manage");
        second.BaseAddress = service.StartApi().Address;
        var again = await (await second.GetAsync($"v1/ads/reports/funnel?by={by}&line={booked.Line}", Cancel)).Content.ReadFromJsonAsync<ReportView>(StoriesJson.Options, Cancel);
        Assert.Equal(parts.Select(p => (p.Key, string.Join(' ', p.Values))), again!.Rows.SkipLast(1).Select(p => (p.Key, string.Join(' ', p.Values))));
    }

    [Fact]
    public async Task The_same_numbers_come_as_comma_separated_values()
    {
        await Booked.SubmitAsync(service, "bob", booked.Record());
        await Booked.FoldAsync(service);
        using var answer = await http.GetAsync("v1/ads/reports/statement?format=csv", Cancel);
        Assert.Equal("text/csv", answer.Content.Headers.ContentType!.MediaType);
        var lines = (await answer.Content.ReadAsStringAsync(Cancel)).Split("\r\n");
        var report = await ReportAsync("statement");
        Assert.Equal($"line,name,key,state,finalAt,{string.Join(',', report.Columns)},marks", lines[0]);
        Assert.Equal($"{booked.Line},\"Tray\",\"\",provisional,{report.Rows[0].FinalAt:yyyy-MM-dd'T'HH:mm:ss'Z'},{string.Join(',', report.Rows[0].Values)},\"\"", lines[1]);
        Assert.Equal(["",], lines[2..]);
    }

    [Fact]
    public async Task Pacing_says_what_was_to_be_spent_and_what_was()
    {
        await Booked.SubmitAsync(service, "bob", booked.Records(10));
        await Booked.FoldAsync(service);
        // Two reports of one instant.
        service.Clock.Freeze(service.Clock.GetUtcNow());
        var row = Single(await ReportAsync("pacing"));
        Assert.Equal((10, 50_000, 1_000_000_000), (row["billed"], row["settledMicros"], row["budgetMicros"]));
        // 30 of 90 days of the flight have passed, and a little; nothing is known of when people watch, so time stands for them.
        Assert.InRange(row["planMicros"], 300_000_000, 360_000_000);
        var days = await ReportAsync("pacing", "&by=day");
        Assert.Equal(row["planMicros"], days.Rows[^1].Values[days.Columns.ToList().IndexOf("planMicros")]);
        Assert.True(days.Rows.Zip(days.Rows.Skip(1)).All(pair => pair.First.Values[1] <= pair.Second.Values[1]), "A plan for a whole life only rises.");
    }

    [Fact]
    public async Task Pacing_of_a_daily_budget_adds_whole_days_and_the_running_one_by_the_clock_of_the_line()
    {
        // 18:00 in India, every day of thirty since that hour.
        service.Clock.Freeze(service.Clock.GetUtcNow());
        var daily = await Booked.BookAsync(service, beside: booked, terms: Booked.Terms(service.Clock.GetUtcNow(), budget: 24_000_000, kind: BudgetKind.Daily, zone: "Asia/Kolkata"));
        Assert.Equal((30 * 24 + 18) * 1_000_000L, Single(await ReportAsync("pacing", $"&line={daily.Line}"))["planMicros"]);

        var days = await ReportAsync("pacing", $"&by=day&line={daily.Line}");
        Assert.Equal([(29 * 24 + 5.5m) * 1_000_000, (30 * 24 + 5.5m) * 1_000_000, (30 * 24 + 18) * 1_000_000m], days.Rows.TakeLast(3).Select(r => r.Values[days.Columns.ToList().IndexOf("planMicros")]));
    }

    private async Task<ReportView> ReportAsync(string kind, string query = "")
    {
        using var answer = await http.GetAsync($"v1/ads/reports/{kind}?{query.TrimStart('&')}", Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<ReportView>(StoriesJson.Options, Cancel))!;
    }

    private static Dictionary<string, decimal> Single(ReportView report) => report.Columns.Zip(report.Rows.Single().Values).ToDictionary(p => p.First, p => p.Second);

    private static DateTimeOffset Midnight(DateTimeOffset now) => new(now.UtcDateTime.Date, TimeSpan.Zero);
}
