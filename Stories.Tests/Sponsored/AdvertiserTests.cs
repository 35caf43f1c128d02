using System.Net;
using Stories.Core.Erasure;
using Microsoft.EntityFrameworkCore;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Erasure;
using Stories.Tests.Fixtures;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Sponsored;

public sealed class AdvertiserTests(LocalServers servers) : IAsyncLifetime
{
    private BookingRig rig = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => rig = await BookingRig.StartAsync(servers);

    public ValueTask DisposeAsync() => rig.DisposeAsync();

    [Fact]
    public async Task An_account_registers_once_and_changes_what_is_known_of_it()
    {
        Assert.Equal("notFound", (await Refused(() => rig.Own.ReadAdvertiserAsync(Cancel))).Code);
        var first = await rig.Own.RegisterAsync(BookingRig.Request(), cancellationToken: Cancel);
        var second = await rig.Own.RegisterAsync(BookingRig.Request() with { Contact = "other@example.test" }, cancellationToken: Cancel);
        Assert.Equal((first.Id, AdvertiserState.Pending, "other@example.test"), (second.Id, second.State, second.Contact));
        Assert.Equal(new WalletView("EUR", 0), second.Wallet);
        Assert.Equal("ads.currencyFixed", (await Refused(() => rig.Own.RegisterAsync(BookingRig.Request() with { Currency = "USD" }, cancellationToken: Cancel))).Code);
        Assert.Equal(1, await rig.Service.ReadAsync(db => db.Advertisers.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Thirty_two_registrations_at_once_make_one_advertiser()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => rig.Own.RegisterAsync(BookingRig.Request(), cancellationToken: Cancel)));
        Assert.Single(ids.Select(a => a.Id).Distinct());
        Assert.Equal(1, await rig.Service.ReadAsync(db => db.Wallets.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Every_field_that_is_wrong_is_named_at_once()
    {
        var refusal = await Refused(() => rig.Own.RegisterAsync(new AdvertiserRequest("", "a\nb", "de", " ", "euro", [1, 2]), cancellationToken: Cancel));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refusal.Status);
        Assert.Equal(["legalName", "displayName", "country", "contact", "currency", "offerKey"], refusal.Faults.Select(f => f.Field));
    }

    [Fact]
    public async Task Only_an_operator_verifies_and_who_changes_its_name_has_to_be_verified_again()
    {
        var advertiser = await rig.Own.RegisterAsync(BookingRig.Request(), cancellationToken: Cancel);
        Assert.Equal("auth.forbidden", (await Refused(() => rig.Own.DecideAsync(advertiser.Id, AdvertiserDecision.Verify, cancellationToken: Cancel))).Code);
        Assert.Equal(advertiser.Id, Assert.Single((await rig.Ops.ListAdvertisersAsync(AdvertiserState.Pending, Cancel)).Advertisers).Id);
        Assert.Equal(AdvertiserState.Verified, (await rig.Ops.DecideAsync(advertiser.Id, AdvertiserDecision.Verify, cancellationToken: Cancel)).State);
        Assert.Empty((await rig.Ops.ListAdvertisersAsync(AdvertiserState.Pending, Cancel)).Advertisers);

        Assert.Equal(AdvertiserState.Verified, (await rig.Own.RegisterAsync(BookingRig.Request() with { Contact = "new@example.test" }, cancellationToken: Cancel)).State);
        Assert.Equal(AdvertiserState.Pending, (await rig.Own.RegisterAsync(BookingRig.Request("Better Bread"), cancellationToken: Cancel)).State);
    }

    [Fact]
    public async Task Somebody_elses_is_not_found()
    {
        await rig.OpenAsync(offerKey: SigningKey.Generate().PublicKey);
        var campaign = await rig.CampaignAsync();
        var line = await rig.LineAsync(campaign);
        var other = rig.Ads("rival");
        await other.RegisterAsync(BookingRig.Request("Rival"), cancellationToken: Cancel);
        var request = new CampaignRequest("Mine now", CampaignObjective.Reach, null, NotPolitical: true);

        Assert.Equal("notFound", (await Refused(() => other.ReadCampaignAsync(campaign.Id, Cancel))).Code);
        Assert.Equal("notFound", (await Refused(() => other.ChangeCampaignAsync(campaign.Id, request, cancellationToken: Cancel))).Code);
        Assert.Equal("notFound", (await Refused(() => other.ReadLineAsync(line.Id, Cancel))).Code);
        Assert.Equal("notFound", (await Refused(() => other.ChangeStatusAsync(line.Id, ConfiguredStatus.Active, cancellationToken: Cancel))).Code);
        Assert.Equal("notFound", (await Refused(() => other.ChangeTermsAsync(line.Id, "Mine", rig.Terms(), cancellationToken: Cancel))).Code);
        Assert.Equal("notFound", (await Refused(() => other.ChangeCreativesAsync(line.Id, [], cancellationToken: Cancel))).Code);
        Assert.Equal("campaign", Assert.Single((await Refused(() => other.BookLineAsync(new LineRequest(campaign.Id, "Mine", rig.Terms()), cancellationToken: Cancel))).Faults).Field);
        // The same name in another app is somebody else.
        Assert.Equal("notFound", (await Refused(() => rig.Ads(BookingRig.Owner, app: Service.PhotosApp).ReadAdvertiserAsync(Cancel))).Code);
        Assert.Empty((await other.ListLinesAsync(cancellationToken: Cancel)).Lines);
        Assert.Empty((await other.ListCampaignsAsync(Cancel)).Campaigns);
        Assert.Empty((await other.ListTransfersAsync(cancellationToken: Cancel)).Transfers);
        Assert.Equal("Spring", (await rig.Own.ReadCampaignAsync(campaign.Id, Cancel)).Name);
        Assert.Equal((ConfiguredStatus.Draft, "Rolls"), ((await rig.Own.ReadLineAsync(line.Id, Cancel)).Status, (await rig.Own.ReadLineAsync(line.Id, Cancel)).Name));
    }

    [Fact]
    public async Task Without_the_scope_nothing_is_booked_or_seen()
    {
        var viewer = rig.Ads("viewer", "stories.post stories.view");
        Assert.Equal("auth.forbidden", (await Refused(() => viewer.RegisterAsync(BookingRig.Request(), cancellationToken: Cancel))).Code);
        Assert.Equal("auth.forbidden", (await Refused(() => viewer.ListLinesAsync(cancellationToken: Cancel))).Code);
        Assert.Equal("auth.forbidden", (await Refused(() => rig.Own.ListAdvertisersAsync(cancellationToken: Cancel))).Code);
        Assert.Equal("auth.forbidden", (await Refused(() => rig.Own.FundAsync(Guid.NewGuid(), 1, "x", cancellationToken: Cancel))).Code);
    }

    [Fact]
    public async Task What_is_political_is_refused_and_a_campaign_needs_an_advertiser()
    {
        var request = new CampaignRequest("Vote", CampaignObjective.Reach, null, NotPolitical: true);
        Assert.Equal("ads.advertiserMissing", (await Refused(() => rig.Own.FoundCampaignAsync(request, cancellationToken: Cancel))).Code);
        await rig.Own.RegisterAsync(BookingRig.Request(), cancellationToken: Cancel);
        Assert.Equal("ads.politicalRefused", (await Refused(() => rig.Own.FoundCampaignAsync(request with { NotPolitical = false }, cancellationToken: Cancel))).Code);
        Assert.Equal(ConfiguredStatus.Draft, (await rig.Own.FoundCampaignAsync(request, cancellationToken: Cancel)).Status);
    }

    [Fact]
    public async Task A_campaign_changes_until_it_is_archived_and_never_below_what_was_billed()
    {
        await rig.OpenAsync();
        var campaign = await rig.CampaignAsync(budget: 10_000_000);
        var line = await rig.LineAsync(campaign);
        await rig.BillAsync(line.Id, 1000, 5_000_000);
        var request = new CampaignRequest("Summer", CampaignObjective.Product, 5_000_000, NotPolitical: true);
        Assert.Equal("ads.budgetBelowSettled", (await Refused(() => rig.Own.ChangeCampaignAsync(campaign.Id, request with { BudgetMicros = 4_999_999 }, cancellationToken: Cancel))).Code);
        var changed = await rig.Own.ChangeCampaignAsync(campaign.Id, request, cancellationToken: Cancel);
        Assert.Equal(("Summer", CampaignObjective.Product, 5_000_000, ConfiguredStatus.Active), (changed.Name, changed.Objective, changed.BudgetMicros, changed.Status));
        Assert.Equal("ads.statusRefused", (await Refused(() => rig.Own.ChangeCampaignAsync(campaign.Id, request with { Status = ConfiguredStatus.Draft }, cancellationToken: Cancel))).Code);
        await rig.Own.ChangeCampaignAsync(campaign.Id, request with { Status = ConfiguredStatus.Archived }, cancellationToken: Cancel);
        Assert.Equal("ads.archived", (await Refused(() => rig.Own.ChangeCampaignAsync(campaign.Id, request with { Status = ConfiguredStatus.Active }, cancellationToken: Cancel))).Code);
        Assert.Equal("ads.archived", (await Refused(() => rig.LineAsync(campaign))).Code);
    }

    [Fact]
    public async Task Who_is_suspended_leaves_the_plan_with_the_decision()
    {
        var advertiser = await rig.OpenAsync();
        var line = await rig.LineAsync(await rig.CampaignAsync());
        await rig.IssueAsync(line.Id);
        await rig.IssueAsync(Guid.NewGuid());
        await rig.Ops.DecideAsync(advertiser.Id, AdvertiserDecision.Suspend, cancellationToken: Cancel);
        Assert.Equal(0, await rig.HandedOutAsync(line.Id));
        Assert.Equal(1, await rig.Service.ReadAsync(db => db.Catalogs.CountAsync(c => !c.IsDropped, Cancel)));
        Assert.Contains(BlockerCode.AdvertiserSuspended, (await rig.Own.ReadLineAsync(line.Id, Cancel)).Blockers.Select(b => b.Code));
    }

    [Fact]
    public async Task An_erased_account_leaves_a_closed_advertiser_and_its_ledger_and_nothing_of_itself()
    {
        var advertiser = await rig.OpenAsync();
        var line = await rig.LineAsync(await rig.CampaignAsync());
        await rig.ActiveAsync(line.Id);
        await rig.IssueAsync(line.Id);
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
            insert into record_quotas (app, "user", day, records) values ('chat', {BookingRig.Owner}, '2026-01-01', 3), ('chat', 'other', '2026-01-01', 3)
            """, Cancel));
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
            insert into reviews (id, creative_id, reasons, reviewer, at) values ({Guid.NewGuid()}, {Guid.NewGuid()}, array[]::text[], {"chat/" + BookingRig.Owner}, {rig.Now})
            """, Cancel));
        Assert.NotEqual(0, await rig.Service.ReadAsync(db => db.Answered.CountAsync(a => a.User == BookingRig.Owner, Cancel)));

        using var http = rig.Http(scope: "stories.view");
        using var erased = await http.PostAsync("v1/users/erase", new StringContent($$"""{"user":"chat/{{BookingRig.Owner}}"}""", System.Text.Encoding.UTF8, "application/json"), Cancel);
        Assert.Equal(HttpStatusCode.NoContent, erased.StatusCode);

        var left = await rig.Service.ReadAsync(db => db.Advertisers.AsNoTracking().SingleAsync(Cancel));
        Assert.Equal((AdvertiserState.Closed, "", "", "Good Bread Ltd"), (left.State, left.User, left.Contact, left.LegalName));
        Assert.Equal(1, await rig.Service.ReadAsync(db => db.Transfers.CountAsync(t => t.AdvertiserId == advertiser.Id, Cancel)));
        Assert.Equal(0, await rig.HandedOutAsync(line.Id));
        foreach (var (table, rows) in await Tables.AllRowsAsync(rig.Service.Database, Cancel))
            Assert.False(rows.Exists(row => row.Contains($"\"{BookingRig.Owner}\"", StringComparison.Ordinal) || row.Contains($"/{BookingRig.Owner}", StringComparison.Ordinal) || row.Contains("bread@example.test", StringComparison.Ordinal)), table);
        Assert.Equal(1, await rig.Service.ReadAsync(db => db.RecordQuotas.CountAsync(Cancel)));

        // Who comes back is somebody new.
        Assert.Equal("notFound", (await Refused(() => rig.Own.ReadAdvertiserAsync(Cancel))).Code);
        Assert.NotEqual(advertiser.Id, (await rig.Own.RegisterAsync(BookingRig.Request(), cancellationToken: Cancel)).Id);
        Assert.Equal("ads.advertiserClosed", (await Refused(() => rig.Ops.DecideAsync(advertiser.Id, AdvertiserDecision.Verify, cancellationToken: Cancel))).Code);
        Assert.Equal("ads.advertiserClosed", (await Refused(() => rig.Ops.FundAsync(advertiser.Id, 1, "second", cancellationToken: Cancel))).Code);
    }

    [Fact]
    public async Task Who_is_leaving_books_nothing()
    {
        await rig.Own.RegisterAsync(BookingRig.Request(), cancellationToken: Cancel);
        await rig.Service.ReadAsync(async db =>
        {
            db.Departures.Add(Departure.Ask(Service.ChatApp, BookingRig.Owner, rig.Now));
            return await db.SaveChangesAsync(Cancel);
        });
        Assert.Equal("service.unavailable", (await Refused(() => rig.CampaignAsync())).Code);
        Assert.Equal(0, await rig.Service.ReadAsync(db => db.Campaigns.CountAsync(Cancel)));
    }
}
