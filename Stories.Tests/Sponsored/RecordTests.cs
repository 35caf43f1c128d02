using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Operating;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Sponsored;

/// <summary>What is taken of a device, and as what it is counted.</summary>
public sealed class RecordTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private Booked booked = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Booked.StartAsync(servers);
        booked = await Booked.BookAsync(service);
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task A_shown_status_is_counted_once_however_often_it_is_told()
    {
        var record = booked.Record(ordinal: 2) with { Action = AdAction.OpenUrl };
        Assert.Equal([record.Id], (await Booked.SubmitAsync(service, "bob", record)).Accepted);
        await Booked.SubmitAsync(service, "bob", record, record);
        await Booked.FoldAsync(service);
        await Booked.SubmitAsync(service, "carol", record);
        await Booked.FoldAsync(service);

        Assert.Equal(
            new Dictionary<string, long>
            {
                ["received"] = 4,
                ["valid"] = 1,
                ["duplicate"] = 3,
                ["viewable"] = 1,
                ["billed"] = 1,
                ["settledMicros"] = 5000,
                ["furthest.complete"] = 1,
                ["dwell.sixToFifteen"] = 1,
                ["ordinal.2"] = 1,
                ["action.openUrl"] = 1,
            }, await Booked.CountsAsync(service, booked.Line));
        await Booked.AssertExactAsync(service);
    }

    [Fact]
    public async Task The_plan_knows_how_much_of_what_is_shown_is_looked_at()
    {
        async Task<double> ViewableAsync()
        {
            await using var db = OperatorCommand.OpenDatabase(service.Database);
            var line = Assert.Single(await new PlannedLines(db).ReadOfAsync(booked.Advertiser, new LifetimeWindows(), service.Clock.GetUtcNow(), Cancel));
            return line.Period.Viewable;
        }
        await service.ReadAsync(db => db.Database.ExecuteSqlAsync($"update advertisers set state = 'Verified'; update campaigns set status = 'Active'", Cancel));
        Assert.Equal(1, await ViewableAsync());

        var brief = booked.Records(30).Select(r => r with { Dwell = DwellBucket.OneToTwo, Quartile = Quartile.Start });
        await Booked.SubmitManyAsync(service, booked.Records(10).Concat(brief));
        await Booked.FoldAsync(service);

        Assert.Equal((10 + 20) / (40 + 20d), await ViewableAsync());
        service.Clock.Advance(Viewability.Window + TimeSpan.FromHours(1));
        Assert.Equal(1, await ViewableAsync());
    }

    [Theory]
    [InlineData(InvalidReason.UnknownLine)]
    [InlineData(InvalidReason.UnknownCreative)]
    [InlineData(InvalidReason.StaleEpoch)]
    [InlineData(InvalidReason.ImpossibleTime)]
    [InlineData(InvalidReason.ImpossibleOrdinal)]
    [InlineData(InvalidReason.ImpossibleDwell)]
    [InlineData(InvalidReason.ImpossibleSkip)]
    [InlineData(InvalidReason.ImpossibleAction)]
    public async Task What_cannot_be_true_is_counted_with_its_reason_and_never_billed(InvalidReason reason)
    {
        var true_ = booked.Record();
        var forged = reason switch
        {
            InvalidReason.UnknownLine => true_ with { Line = Guid.NewGuid() },
            InvalidReason.UnknownCreative => true_ with { Creative = new string('a', 64) },
            InvalidReason.StaleEpoch => true_ with { Epoch = true_.Epoch - Catalog.EpochSeconds },
            InvalidReason.ImpossibleTime => true_ with { Hour = true_.Hour + (3 * AdRecord.HourSeconds) },
            InvalidReason.ImpossibleOrdinal => true_ with { Ordinal = 7 },
            InvalidReason.ImpossibleDwell => true_ with { Dwell = DwellBucket.TwoToThree },
            InvalidReason.ImpossibleSkip => true_ with { Skipped = true },
            InvalidReason.ImpossibleAction => true_ with { Action = AdAction.Pay },
            _ => throw new ArgumentOutOfRangeException(nameof(reason)),
        };
        await Booked.SubmitAsync(service, "bob", forged);
        await Booked.FoldAsync(service);

        Assert.Equal(new Dictionary<string, long> { ["received"] = 1, ["invalid"] = 1, [Counters.Of(reason)] = 1 }, await Booked.CountsAsync(service));
        // A made-up name makes no place of its own.
        Assert.Equal(reason == InvalidReason.UnknownLine ? Guid.Empty : booked.Line, await service.ReadAsync(db => db.Counts.Select(c => c.LineId).Distinct().SingleAsync(Cancel)));
        Assert.DoesNotContain(await service.ReadAsync(db => db.Counts.ToListAsync(Cancel)), c => c.Hour > service.Clock.GetUtcNow());
        await Booked.AssertExactAsync(service);
    }

    [Theory]
    [InlineData(false, DwellBucket.OneToTwo, Quartile.Start, false)]
    [InlineData(false, DwellBucket.TwoToThree, Quartile.Start, true)]
    [InlineData(true, DwellBucket.UnderOneSecond, Quartile.Start, false)]
    [InlineData(true, DwellBucket.OneToTwo, Quartile.Start, true)]
    public async Task What_was_too_short_to_be_seen_is_valid_and_free(bool isPicture, DwellBucket dwell, Quartile quartile, bool isBilled)
    {
        var line = await Booked.BookAsync(service, "other", isPicture: isPicture);
        await Booked.SubmitAsync(service, "bob", line.Record() with { Dwell = dwell, Quartile = quartile, Skipped = true });
        await Booked.FoldAsync(service);
        var counts = await Booked.CountsAsync(service, line.Line);
        Assert.Equal((1, isBilled ? 1 : 0, isBilled ? 0 : 1), (counts["valid"], counts.GetValueOrDefault("billed"), counts.GetValueOrDefault("free")));
        Assert.Equal(1, counts[Counters.Skip(dwell)]);
        await Booked.AssertExactAsync(service);
    }

    [Fact]
    public async Task A_record_is_late_after_48_hours_and_not_taken_after_7_days()
    {
        var record = booked.Record();
        service.Clock.MoveTo(DateTimeOffset.FromUnixTimeSeconds(record.Hour + AdRecord.HourSeconds) + AdRecord.LateAfter + TimeSpan.FromSeconds(1));
        await Booked.SubmitAsync(service, "bob", record);
        await Booked.FoldAsync(service);
        Assert.Equal(new Dictionary<string, long> { ["received"] = 1, ["late"] = 1 }, await Booked.CountsAsync(service));
        // Where it is counted: the hour of the showing is final.
        Assert.True(await service.ReadAsync(db => db.Counts.AllAsync(c => c.Hour > DateTimeOffset.FromUnixTimeSeconds(record.Hour) + AdRecord.LateAfter, Cancel)));

        service.Clock.MoveTo(DateTimeOffset.FromUnixTimeSeconds(record.Hour) + TimeSpan.FromDays(7) + TimeSpan.FromSeconds(1));
        await booked.IssueAsync();
        var answer = await Booked.SubmitAsync(service, "bob", record, booked.Record());
        Assert.Equal([new RefusedRecord(record.Id, RecordRefusal.TooOld)], answer.Refused);
        Assert.Single(answer.Accepted);
        await Booked.AssertExactAsync(service);
    }

    [Fact]
    public async Task What_came_in_time_is_not_late_because_the_worker_was_away()
    {
        var record = booked.Record();
        await Booked.SubmitAsync(service, "bob", record);
        service.Clock.Advance(TimeSpan.FromDays(3));
        await Booked.FoldAsync(service);
        Assert.Equal(1, (await Booked.CountsAsync(service, booked.Line))["billed"]);
    }

    [Fact]
    public async Task What_is_no_record_is_refused_whole_and_nothing_is_kept()
    {
        using var http = service.Http("bob");
        var record = booked.Record();
        AdRecord[][] malformed =
        [
            [], [record, null!], [record with { Id = Guid.Empty }], [record with { Creative = "x" }], [record with { Cell = null! }], [record with { Cell = new string('x', 101) }],
            [record with { Hour = -1 }], [record with { Epoch = long.MaxValue }], booked.Records(51),
        ];
        foreach (var records in malformed)
        {
            using var answer = await Booked.PostAsync(http, records);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains(ProblemCodes.RequestInvalid, await answer.Content.ReadAsStringAsync(Cancel));
        }
        foreach (var json in (string[])["{}", "{\"records\":[{}]}", "{\"records\":7}", Encoding.UTF8.GetString(StoriesJson.Write(new RecordsRequest([record]))).Replace("complete", "nonsense")])
        {
            using var answer = await http.PostAsync("v1/ads/records", new StringContent(json, Encoding.UTF8, "application/json"), Cancel);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }
        Assert.Equal((0, 0), (await service.ReadAsync(db => db.RecordQuotas.CountAsync(Cancel)), await service.ReadAsync(db => db.RecordPools.CountAsync(Cancel))));
    }

    [Fact]
    public async Task Only_viewers_submit_and_only_operators_give_back()
    {
        using var poster = service.Http("bob", "stories.post ads.manage");
        using (var answer = await Booked.PostAsync(poster, [booked.Record()])) Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        using (var answer = await poster.PostAsync($"v1/ads/lines/{booked.Line}/credits", new StringContent("{\"views\":1,\"reason\":\"goodwill\",\"reference\":\"r\"}", Encoding.UTF8, "application/json"), Cancel))
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task Opportunities_are_clamped_scaled_up_and_taken_for_cells_that_somebody_asked_for()
    {
        var hour = AdRecord.HourOf(service.Clock.GetUtcNow());
        await service.ReadAsync(db => db.Database.ExecuteSqlAsync($"insert into cell_hours (cell, hour, fetches, opportunities) values ({Booked.AnyCell}, {service.Clock.GetUtcNow() - TimeSpan.FromDays(7)}, 1, 0)", Cancel));
        using var http = service.Http("bob");
        OpportunityTally[] tallies = [new(Booked.AnyCell, hour, 3), new(Booked.AnyCell, hour, 1_000_000), new(Service.ChatApp + "/made/up", hour, 1), new(Booked.AnyCell, hour + 1, 1), new(Booked.AnyCell, hour - (50 * 3600), 1)];
        using (var answer = await Booked.PostAsync(http, [], tallies)) Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        using (var answer = await Booked.PostAsync(http, [], [new OpportunityTally("photos/tray/DE/de/unknown", hour, 1)])) Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        await Booked.FoldAsync(service);
        Assert.Equal([(Booked.AnyCell, (3L + 20) * 16)], (await service.ReadAsync(db => db.CellHours.Where(h => h.Opportunities > 0).ToListAsync(Cancel))).Select(h => (h.Cell, h.Opportunities)));
    }

    [Fact]
    public async Task What_counting_needs_is_forgotten_when_it_needs_it_no_more()
    {
        await Booked.SubmitAsync(service, "bob", booked.Record());
        await Booked.FoldAsync(service);
        await service.ReadAsync(db => db.Database.ExecuteSqlAsync($"insert into cell_hours (cell, hour, fetches, opportunities) values ({Booked.AnyCell}, {service.Clock.GetUtcNow()}, 1, 0)", Cancel));
        var left = new List<(int Day, string Tables)>();
        for (var day = 1; day <= 36; day++)
        {
            service.Clock.Advance(TimeSpan.FromDays(1));
            await using var scope = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.CreateAsyncScope(service.Worker);
            await ((Worker.Sponsored.ForgetRecords)scope.ServiceProvider.GetService(typeof(Worker.Sponsored.ForgetRecords))!).RunAsync(Cancel);
            var rows = await Tables.AllRowsAsync(service.Database, Cancel);
            left.Add((day, string.Join(' ', ((string[])["catalogs", "cell_hours", "counted_records", "record_quotas"]).Where(table => rows[table].Count > 0))));
        }
        Assert.Equal("catalogs cell_hours counted_records record_quotas", left[0].Tables);
        Assert.Equal("catalogs cell_hours counted_records", left[1].Tables);
        Assert.Equal("cell_hours counted_records", left[4].Tables);
        Assert.Equal("cell_hours counted_records", left[9].Tables);
        Assert.Equal("cell_hours", left[10].Tables);
        Assert.Equal("", left[35].Tables);
        Assert.NotEmpty(await Booked.CountsAsync(service));
    }
}
