using System.Net;
using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using Tier = Stories.Protocol.Sponsored.Tier;

namespace Stories.Tests.Sponsored;

/// <summary><c>lines:forecast</c> over HTTP.</summary>
public sealed class ProspectTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Terms_are_forecast_and_nothing_is_booked()
    {
        await using var rig = await BookingRig.StartAsync(servers);
        await rig.OpenAsync();
        await LearnAsync(rig, perHour: 100);

        var forecast = await rig.Own.ForecastAsync(new ForecastRequest(rig.Terms()), Cancel);

        Assert.Equal((4_000, 4_000, 20_000_000), (forecast.Wanted, forecast.Deliverable, forecast.DeliverableMicros));
        Assert.InRange(forecast.Available, 16_700, 16_800);
        Assert.Equal((forecast.Available, 1000, true), (forecast.Opportunities, forecast.SharePerMille, forecast.IsFeasible));
        Assert.Empty(forecast.Warnings);
        Assert.InRange(forecast.Days.Count, 8, 8);
        Assert.Equal(0, await rig.Service.ReadAsync(db => db.Lines.CountAsync(Cancel)));
    }

    [Fact]
    public async Task More_than_there_is_or_than_the_wallet_holds_is_told()
    {
        await using var rig = await BookingRig.StartAsync(servers);
        await rig.OpenAsync(funds: 1_000_000);
        await LearnAsync(rig, perHour: 10, days: 3);

        var forecast = await rig.Own.ForecastAsync(new ForecastRequest(rig.Terms()), Cancel);

        Assert.InRange(forecast.Deliverable, 1_600, 1_690);
        Assert.False(forecast.IsFeasible);
        Assert.Equal([ForecastWarning.TooFewPeople, ForecastWarning.StillLearning, ForecastWarning.NotEnoughFunds], forecast.Warnings);
        Assert.Equal(forecast.Deliverable * 5_000, forecast.DeliverableMicros);
    }

    [Fact]
    public async Task What_is_booked_beside_it_counts_and_the_line_itself_does_not()
    {
        await using var rig = await BookingRig.StartAsync(servers);
        var advertiser = await rig.OpenAsync(funds: 1_000_000_000);
        await LearnAsync(rig, perHour: 100);
        var campaign = await rig.CampaignAsync();
        var terms = rig.Terms() with { Tier = Tier.Guaranteed };
        var booked = await rig.LineAsync(campaign, terms, await rig.CreativeAsync(advertiser.Id));

        var beforeItIsActive = await rig.Own.ForecastAsync(new ForecastRequest(rig.Terms()), Cancel);
        await rig.ActiveAsync(booked.Id);
        var beside = await rig.Own.ForecastAsync(new ForecastRequest(rig.Terms()), Cancel);
        var itself = await rig.Own.ForecastAsync(new ForecastRequest(terms, booked.Id), Cancel);
        await rig.BillAsync(booked.Id, views: 1_000, micros: 5_000_000);
        var later = await rig.Own.ForecastAsync(new ForecastRequest(terms, booked.Id), Cancel);

        Assert.Equal(1000, beforeItIsActive.SharePerMille);
        Assert.InRange(beside.Opportunities - beside.Available, 3_900, 4_001);
        Assert.Equal((1000, 4_000), (itself.SharePerMille, itself.Wanted));
        Assert.Equal(3_000, later.Wanted);
    }

    [Fact]
    public async Task Only_advertisers_forecast_and_only_their_own_lines()
    {
        await using var rig = await BookingRig.StartAsync(servers);
        await AssertRefusedAsync(ProblemCodes.AdsAdvertiserMissing, rig.Own.ForecastAsync(new ForecastRequest(rig.Terms()), Cancel));
        await rig.OpenAsync();
        var line = await rig.LineAsync(await rig.CampaignAsync());
        await rig.Ads("other").RegisterAsync(BookingRig.Request("Other"), cancellationToken: Cancel);

        await AssertRefusedAsync(ProblemCodes.NotFound, rig.Ads("other").ForecastAsync(new ForecastRequest(rig.Terms(), line.Id), Cancel));
        await AssertRefusedAsync(ProblemCodes.NotFound, rig.Ads("other").ExplainAsync(line.Id, Cancel));
        await AssertRefusedAsync(ProblemCodes.AdsFieldsInvalid, rig.Own.ForecastAsync(new ForecastRequest(rig.Terms() with { Weight = 0 }), Cancel));
        using var viewer = rig.Http("viewer", "stories.view");
        Assert.Equal(HttpStatusCode.Forbidden, (await viewer.GetAsync($"v1/ads/lines/{line.Id}/explain", Cancel)).StatusCode);
    }

    /// <summary>Each hour of so many days, as devices would have told it.</summary>
    private static Task LearnAsync(BookingRig rig, int perHour, int days = 28) => rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
        insert into cell_hours (cell, hour, fetches, opportunities)
        select 'chat/tray/DE/de/unknown', date_trunc('hour', {rig.Now}::timestamptz) - n * interval '1 hour', 1, {perHour} from generate_series(1, {days} * 24 - 24) as n
        """, Cancel));

    private static async Task AssertRefusedAsync(string code, Task asked) => Assert.Equal(code, (await Assert.ThrowsAsync<StoriesProblemException>(() => asked)).Code);
}
