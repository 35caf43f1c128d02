using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Sponsored;

/// <summary>What an advertiser types before and after booking.</summary>
public sealed class AdsProspectCommandTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Terms_are_forecast_and_a_booked_line_is_explained()
    {
        await using var rig = await BookingRig.StartAsync(servers);
        var advertiser = await rig.OpenAsync();
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
            insert into cell_hours (cell, hour, fetches, opportunities)
            select 'chat/tray/DE/de/unknown', date_trunc('hour', {rig.Now}::timestamptz) - n * interval '1 hour', 1, 100 from generate_series(1, 600) as n
            """, Cancel));
        var line = await rig.LineAsync(await rig.CampaignAsync(), creatives: await rig.CreativeAsync(advertiser.Id));

        var said = await SayAsync(rig, "forecast", "--price", "5", "--budget", "20", "--days", "2");
        Assert.Contains("4,000 views of the 4,000 that the budget pays for, for 20.00", said);
        Assert.Contains("There are people enough.", said);
        Assert.Contains("█", said);
        var dearer = JsonSerializer.Deserialize<ForecastView>(await SayAsync(rig, "forecast", $"{line.Id}", "--price", "10", "--json"), StoriesJson.Options)!;
        Assert.Equal(2_000, dearer.Wanted);
        said = await SayAsync(rig, "forecast", "--price", "5", "--budget", "90", "--days", "1");
        Assert.Contains("There are not people enough.", said);
        Assert.Contains("    tooFewPeople", said);

        said = await SayAsync(rig, "explain", $"{line.Id}");
        Assert.Contains("lineDraft: Set the line's status to active.", said);
        Assert.Contains("chat/tray/DE/de/unknown", said);
        Assert.Contains("nobodyLooks", said);
    }

    private static async Task<string> SayAsync(BookingRig rig, params string[] arguments)
    {
        var (code, output) = await rig.Service.RunClientAsync(BookingRig.Owner, ["ads", .. arguments], Cancel, "ads.manage");
        Assert.True(code == 0, output);
        return output;
    }
}
