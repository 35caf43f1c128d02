using Azure.Storage.Blobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Client.Sponsored;
using Stories.Core.Jobs;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Erasure;
using Stories.Tests.Fixtures;
using Stories.Worker.Sponsored;

namespace Stories.Tests.Sponsored;

/// <summary>Booked, shown, counted and billed; then time passes, and everything is read.</summary>
public sealed class SponsoredRetentionTests(LocalServers servers)
{
    /// <summary>In names of people; no id has such letters.</summary>
    private const string Viewer = "canary-viewer";

    private static readonly string[] Transient =
        ["answered", "record_quotas", "record_pools", "counted_records", "catalogs", "cell_hours", "offers", "creatives", "reviews", "line_creatives"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_of_sponsored_statuses_stays_longer_than_the_retention_table_says()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var line = await FillAsync(rig);
        var begin = rig.Now;
        var full = await Tables.AllRowsAsync(rig.Service.Database, Cancel);
        foreach (var table in Transient.Concat(["advertisers", "wallets", "transfers", "campaigns", "lines", "line_days", "counts", "report_secrets"]).Except(["record_pools", "report_secrets"])) Assert.NotEmpty(full[table]);
        // Whose a record was stands nowhere; that somebody submitted some, in the quota alone.
        Assert.Equal(["record_quotas"], full.Where(t => t.Value.Exists(row => row.Contains(Viewer, StringComparison.Ordinal))).Select(t => t.Key));
        Assert.NotEmpty(await ContainersAsync(rig));

        await PassAsync(rig, begin + TimeSpan.FromHours(24));
        await AssertGoneAsync(rig, "answered");
        await PassAsync(rig, begin + TimeSpan.FromDays(2));
        await AssertGoneAsync(rig, "record_quotas");
        foreach (var (table, rows) in await Tables.AllRowsAsync(rig.Service.Database, Cancel)) Assert.False(rows.Exists(row => row.Contains(Viewer, StringComparison.Ordinal)), table);
        await PassAsync(rig, begin + TimeSpan.FromDays(5));
        await AssertGoneAsync(rig, "catalogs");
        await PassAsync(rig, begin + TimeSpan.FromDays(11));
        await AssertGoneAsync(rig, "counted_records");
        await PassAsync(rig, begin + TimeSpan.FromDays(35) + TimeSpan.FromHours(1));
        await AssertGoneAsync(rig, "cell_hours");
        Assert.Equal(1, await rig.Service.ReadAsync(db => db.Offers.CountAsync(Cancel)));
        await PassAsync(rig, begin + TimeSpan.FromDays(40));
        await AssertGoneAsync(rig, "offers");
        Assert.NotEmpty(await ContainersAsync(rig));
        await PassAsync(rig, begin + TimeSpan.FromDays(366));
        await AssertGoneAsync(rig, "creatives", "reviews", "line_creatives");
        Assert.Empty(await ContainersAsync(rig));

        var stays = RetentionTable.Read().Where(kept => kept.Stays).SelectMany(kept => kept.Where).ToHashSet();
        var left = (await Tables.AllRowsAsync(rig.Service.Database, Cancel)).Where(t => t.Value.Count > 0).Select(t => t.Key).Where(t => !stays.Contains(t)).ToList();
        // The ring goes on turning.
        Assert.Equal(["processing_keys"], left);
        Assert.True((await rig.Ads.ReadLineAsync(line, Cancel)).SettledMicros > 0);
        Assert.DoesNotContain(rig.Service.Log.Lines, l => l.Contains(Viewer, StringComparison.Ordinal) || l.Contains("sig=", StringComparison.Ordinal));
    }

    private static async Task<Guid> FillAsync(Campaigning rig)
    {
        using var key = SigningKey.Generate();
        var advertiser = await rig.Ads.RegisterAsync(BookingRig.Request(offerKey: key.PublicKey), cancellationToken: Cancel);
        var offer = new Offer(Guid.NewGuid(), advertiser.Id, advertiser.DisplayName, "Twelve rolls", 4_800_000, "EUR", rig.Now.AddDays(9).ToUnixTimeSeconds());
        await rig.Ads.KeepOfferAsync(offer, key, cancellationToken: Cancel);
        var creative = await rig.ApprovedAsync(facts: Campaigning.Facts(action: new CallToAction(CallToActionKind.Pay, Offer: offer.Id)));
        var line = await rig.ActiveLineAsync(creative.Id, rig.Terms() with { EndsAt = rig.Now.AddDays(1) });

        using (var asking = rig.Service.Http(Viewer)) (await asking.GetAsync("v1/ads/catalog?placement=tray&country=DE&language=de&age=unknown", Cancel)).Dispose();
        // A while without any who asks: its hour is counted by then.
        await rig.PlanAsync();
        var (_, statuses) = await rig.ViewerAsync(Viewer);
        var status = rig.Watch(statuses).Status;
        Assert.NotNull(status);
        rig.Service.Clock.Advance(TimeSpan.FromSeconds(4));
        Assert.True(statuses.End(status, new AdEnd(Quartile.Complete, TimeSpan.FromSeconds(4), Skipped: false, AdAction.Pay)));
        await statuses.SubmitAsync(Cancel);
        rig.Service.Clock.Advance(TimeSpan.FromSeconds(1));
        await rig.FoldAsync();
        Assert.Equal(1, (await rig.Ads.ReadLineAsync(line.Id, Cancel)).Billed);
        return line.Id;
    }

    /// <summary>As the worker's timers would, at that time and a minute more.</summary>
    private static async Task PassAsync(Campaigning rig, DateTimeOffset time)
    {
        rig.Service.Clock.MoveTo(time + TimeSpan.FromMinutes(1));
        await rig.PlanAsync();
        await rig.FoldAsync();
        await rig.WorkAsync<ForgetRecords>(forget => forget.RunAsync(Cancel));
        for (var round = 0; round < 2; round++) await rig.WorkAsync<EraseCreatives>(erase => erase.RunAsync(Cancel));
        await rig.Service.SweepAsync();
    }

    private static async Task AssertGoneAsync(Campaigning rig, params string[] tables)
    {
        var rows = await Tables.AllRowsAsync(rig.Service.Database, Cancel);
        Assert.All(tables, table => Assert.Empty(rows[table]));
    }

    private static async Task<List<string>> ContainersAsync(Campaigning rig)
    {
        var names = new List<string>();
        await foreach (var container in rig.Service.Api.GetRequiredService<BlobServiceClient>().GetBlobContainersAsync(cancellationToken: Cancel))
            if (container.Name.StartsWith($"creative-{rig.Service.Settings["Blobs:Deployment"]}", StringComparison.Ordinal)) names.Add(container.Name);
        return names;
    }
}
