using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Client.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using Stories.Tests.Sponsored;

namespace Stories.Tests.Journeys;

public sealed class SponsoredJourney(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_clip_goes_from_an_advertisers_upload_by_review_and_catalog_to_a_viewers_screen_and_into_the_bill()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.ApprovedAsync(await Campaigning.ClipAsync());
        var line = await rig.ActiveLineAsync(creative.Id);
        // The first of a cell to ask is told to come back in a moment.
        var early = await Assert.ThrowsAsync<StoriesProblemException>(() => rig.Service.User("viewer").Client.ReadCatalogAsync(new Cell(Service.ChatApp, Placement.Tray, "DE", "de", AgeBand.Unknown), null, Cancel));
        Assert.Equal(ProblemCodes.CatalogPending, early.Code);
        await rig.PlanAsync();

        var (_, statuses) = await rig.ViewerAsync("viewer");
        var decision = rig.Watch(statuses);

        var status = decision.Status;
        Assert.NotNull(status);
        Assert.Equal(creative.Digest, status.Creative.Digest);
        Assert.All(status.Files, file => Assert.Equal(file.File.Blob, Digest.Of(File.ReadAllBytes(file.Path))));
        Assert.Contains(status.Files, file => file.File.Duration is >= 3900 and <= 4100);
        Assert.True(statuses.End(status, new AdEnd(Quartile.Complete, TimeSpan.FromSeconds(4), Skipped: false)));
        Assert.Equal(new AdSubmission(1, 0), await statuses.SubmitAsync(Cancel));
        rig.Service.Clock.Advance(TimeSpan.FromSeconds(1));
        await rig.FoldAsync();

        var billed = await rig.Service.ReadAsync(db => db.Lines.AsNoTracking().SingleAsync(l => l.Id == line.Id, Cancel));
        Assert.Equal((1L, 5_000L), (billed.Billed, billed.SettledMicros));
        Assert.Equal(100_000_000 - 5_000, (await rig.Ads.ReadAdvertiserAsync(Cancel)).Wallet.BalanceMicros);
        var entry = Assert.Single((await rig.Reviewer().ShowRepositoryAsync(cancellationToken: Cancel)).Entries);
        Assert.Equal((creative.Digest, "Good Bread Ltd"), (entry.Digest, entry.Facts.Payer));
    }

    [Fact]
    public async Task A_paused_line_is_handed_out_to_nobody_once_that_is_answered()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.ApprovedAsync();
        var line = await rig.ActiveLineAsync(creative.Id);
        var viewer = rig.Service.User("viewer");
        var cell = new Cell(Service.ChatApp, Placement.Tray, "DE", "de", AgeBand.Unknown);
        await Assert.ThrowsAsync<StoriesProblemException>(() => viewer.Client.ReadCatalogAsync(cell, null, Cancel));
        await rig.PlanAsync();
        rig.Service.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(Lines(await viewer.Client.ReadCatalogAsync(cell, null, Cancel)));

        await rig.Ads.ChangeStatusAsync(line.Id, ConfiguredStatus.Paused, cancellationToken: Cancel);

        Assert.True(await rig.Service.ReadAsync(db => db.Catalogs.AllAsync(c => c.IsDropped, Cancel)));
        await rig.PlanAsync();
        var (bytes, signature, key) = (await rig.Service.ReadAsync(db => db.Catalogs.AsNoTracking().SingleAsync(c => !c.IsDropped, Cancel))).Record;
        Assert.Empty(StoriesJson.ReadCanonical<Catalog>(bytes)!.Lines);
        Assert.Equal(Signatures.SignatureBytes, signature.Length);
        Assert.NotEmpty(key);
    }

    private static IReadOnlyList<CatalogLine> Lines(FetchedCatalog? catalog) => StoriesJson.ReadCanonical<Catalog>(catalog!.Record.Bytes)!.Lines;
}
