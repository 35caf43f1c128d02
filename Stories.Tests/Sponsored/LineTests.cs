using Microsoft.EntityFrameworkCore;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Sponsored;

public sealed class LineTests(LocalServers servers) : IAsyncLifetime
{
    private BookingRig rig = null!;
    private AdvertiserView advertiser = null!;
    private CampaignView campaign = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        rig = await BookingRig.StartAsync(servers);
        // A Wednesday at noon in Berlin, some minutes into an epoch.
        rig.Service.Clock.MoveTo(new DateTimeOffset(2027, 3, 3, 11, 3, 0, TimeSpan.Zero));
        advertiser = await rig.OpenAsync();
        campaign = await rig.CampaignAsync();
    }

    public ValueTask DisposeAsync() => rig.DisposeAsync();

    [Fact]
    public async Task A_line_is_booked_as_a_draft_with_what_was_sent()
    {
        var creative = await rig.CreativeAsync(advertiser.Id);
        var terms = rig.Terms() with { StartsAt = new DateTimeOffset(2027, 3, 3, 13, 0, 0, TimeSpan.FromHours(2)), Dayparts = [new Daypart([DayOfWeek.Monday], 8, 20)], Caps = [new Cap(CapLevel.Line, 3, 86_400)] };
        var booked = await rig.LineAsync(campaign, terms, creative);
        Assert.Equal((ConfiguredStatus.Draft, EffectiveStatus.Draft, "Rolls", campaign.Id), (booked.Status, booked.Effective, booked.Name, booked.Campaign));
        Assert.Equal([creative], booked.Creatives);
        Assert.Equal(terms.StartsAt, booked.Terms.StartsAt);
        var read = await rig.Own.ReadLineAsync(booked.Id, Cancel);
        Assert.Equivalent(booked.Terms, read.Terms, strict: true);
        Assert.Equal([booked.Id], (await rig.Own.ListLinesAsync(campaign.Id, Cancel)).Lines.Select(l => l.Id));
        Assert.Empty((await rig.Own.ListLinesAsync(Guid.NewGuid(), Cancel)).Lines);
    }

    [Fact]
    public async Task A_dry_run_says_what_booking_would_be_refused_for_and_changes_nothing()
    {
        var bad = new LineRequest(Guid.NewGuid(), "Rolls", rig.Terms() with { Weight = 0, EndsAt = rig.Now.AddDays(-2) });
        var check = await rig.Own.CheckLineAsync(bad, Cancel);
        Assert.False(check.IsValid);
        Assert.Equal(["terms.weight", "terms.endsAt", "campaign"], check.Faults.Select(f => f.Field));
        Assert.Equal(check.Faults, (await Refused(() => rig.Own.BookLineAsync(bad, cancellationToken: Cancel))).Faults);
        var withdrawn = await rig.CreativeAsync(advertiser.Id, CreativeState.Withdrawn);
        check = await rig.Own.CheckLineAsync(new LineRequest(campaign.Id, "Rolls", rig.Terms(), [withdrawn, Guid.NewGuid()]), Cancel);
        Assert.Equal(["creatives[0]", "creatives[1]"], check.Faults.Select(f => f.Field));
        Assert.True((await rig.Own.CheckLineAsync(new LineRequest(campaign.Id, "Rolls", rig.Terms()), Cancel)).IsValid);
        Assert.Equal(0, await rig.Service.ReadAsync(db => db.Lines.CountAsync(Cancel)));
    }

    [Fact]
    public async Task What_is_for_adults_is_in_no_line_for_everybody()
    {
        var wine = await rig.CreativeAsync(advertiser.Id, facts: BookingRig.Facts(new Disclosures(AdultsOnly: true)));
        var everybody = await rig.LineAsync(campaign);
        Assert.Equal(FieldFaultCode.NotAllowed, Assert.Single((await Refused(() => rig.Own.ChangeCreativesAsync(everybody.Id, [wine], cancellationToken: Cancel))).Faults).Code);
        var adults = rig.Terms() with { Targets = new Targets([], [], [], AdultsOnly: true) };
        var line = await rig.LineAsync(campaign, adults, wine);
        Assert.Equal("terms.targets.adultsOnly", Assert.Single((await Refused(() => rig.Own.ChangeTermsAsync(line.Id, "Wine", rig.Terms(), cancellationToken: Cancel))).Faults).Field);
    }

    [Fact]
    public async Task Once_a_view_was_billed_price_kind_of_budget_and_zone_stay()
    {
        var line = await rig.LineAsync(campaign);
        var terms = rig.Terms();
        await rig.Own.ChangeTermsAsync(line.Id, "Rolls", terms with { PriceMicros = 6_000_000 }, cancellationToken: Cancel);
        await rig.Own.ChangeTermsAsync(line.Id, "Rolls", terms, cancellationToken: Cancel);
        await rig.BillAsync(line.Id, 1000, 5_000_000);

        Assert.Equal("ads.priceFixed", (await Refused(() => rig.Own.ChangeTermsAsync(line.Id, "Rolls", terms with { PriceMicros = 6_000_000 }, cancellationToken: Cancel))).Code);
        Assert.Equal("ads.budgetKindFixed", (await Refused(() => rig.Own.ChangeTermsAsync(line.Id, "Rolls", terms with { BudgetKind = BudgetKind.Daily }, cancellationToken: Cancel))).Code);
        Assert.Equal("ads.budgetKindFixed", (await Refused(() => rig.Own.ChangeTermsAsync(line.Id, "Rolls", terms with { TimeZone = "UTC" }, cancellationToken: Cancel))).Code);
        Assert.Equal("ads.budgetBelowSettled", (await Refused(() => rig.Own.ChangeTermsAsync(line.Id, "Rolls", terms with { BudgetMicros = 4_999_999 }, cancellationToken: Cancel))).Code);
        var changed = await rig.Own.ChangeTermsAsync(line.Id, "More rolls", terms with { BudgetMicros = 5_000_000, Weight = 7 }, cancellationToken: Cancel);
        Assert.Equal(("More rolls", 5_000_000, 7, 1000, 5_000_000), (changed.Name, changed.Terms.BudgetMicros, changed.Terms.Weight, changed.Billed, changed.SettledMicros));
    }

    [Fact]
    public async Task A_days_budget_may_be_lowered_and_what_the_day_has_had_stays()
    {
        var daily = rig.Terms() with { BudgetKind = BudgetKind.Daily };
        var line = await rig.LineAsync(campaign, daily);
        await rig.BillAsync(line.Id, 1000, 5_000_000);
        var changed = await rig.Own.ChangeTermsAsync(line.Id, "Rolls", daily with { BudgetMicros = 1_000_000 }, cancellationToken: Cancel);
        Assert.Equal(5_000_000, changed.DaySettledMicros);
        Assert.Equal(5_000_000, await rig.Service.ReadAsync(db => db.LineDays.Select(d => d.BudgetMicros).SingleAsync(Cancel)));
        await rig.Own.ChangeTermsAsync(line.Id, "Rolls", daily with { BudgetMicros = 9_000_000 }, cancellationToken: Cancel);
        Assert.Equal(9_000_000, await rig.Service.ReadAsync(db => db.LineDays.Select(d => d.BudgetMicros).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task A_line_that_has_ended_is_started_again_only_with_another_end()
    {
        var line = await rig.LineAsync(campaign, rig.Terms() with { EndsAt = rig.Now.AddHours(1) });
        rig.Service.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal("ads.lineEnded", (await Refused(() => rig.ActiveAsync(line.Id))).Code);
        await rig.Own.ChangeTermsAsync(line.Id, "Rolls", rig.Terms(), cancellationToken: Cancel);
        Assert.Equal(ConfiguredStatus.Active, (await rig.ActiveAsync(line.Id)).Status);
        Assert.Equal("ads.statusRefused", (await Refused(() => rig.Own.ChangeStatusAsync(line.Id, ConfiguredStatus.Draft, cancellationToken: Cancel))).Code);
        await rig.Own.ChangeStatusAsync(line.Id, ConfiguredStatus.Archived, cancellationToken: Cancel);
        Assert.Equal("ads.archived", (await Refused(() => rig.ActiveAsync(line.Id))).Code);
        Assert.Equal("ads.archived", (await Refused(() => rig.Own.ChangeTermsAsync(line.Id, "Rolls", rig.Terms(), cancellationToken: Cancel))).Code);
        Assert.Equal("ads.archived", (await Refused(() => rig.Own.ChangeCreativesAsync(line.Id, [], cancellationToken: Cancel))).Code);
        Assert.Equal(EffectiveStatus.Archived, (await rig.Own.ReadLineAsync(line.Id, Cancel)).Effective);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("terms")]
    [InlineData("creatives")]
    [InlineData("campaign")]
    public async Task What_is_changed_leaves_the_plan_in_the_same_transaction(string what)
    {
        var line = await LiveAsync();
        await rig.IssueAsync(line.Id);
        // A change that is refused drops nothing.
        Assert.Equal("ads.statusRefused", (await Refused(() => rig.Own.ChangeStatusAsync(line.Id, ConfiguredStatus.Draft, cancellationToken: Cancel))).Code);
        Assert.Equal(1, await rig.HandedOutAsync(line.Id));

        await (what switch
        {
            "status" => (Task)rig.Own.ChangeStatusAsync(line.Id, ConfiguredStatus.Paused, cancellationToken: Cancel),
            "terms" => rig.Own.ChangeTermsAsync(line.Id, "Rolls", rig.Terms() with { EndsAt = rig.Now.AddMinutes(-1) }, cancellationToken: Cancel),
            "creatives" => rig.Own.ChangeCreativesAsync(line.Id, [], cancellationToken: Cancel),
            _ => rig.Own.ChangeCampaignAsync(campaign.Id, new CampaignRequest("Spring", CampaignObjective.Reach, null, NotPolitical: true, ConfiguredStatus.Paused), cancellationToken: Cancel),
        });
        Assert.Equal(0, await rig.HandedOutAsync(line.Id));
    }

    [Fact]
    public async Task A_change_waits_for_who_is_storing_a_catalog_with_it()
    {
        var line = await LiveAsync();
        await using var db = Stories.Api.Operating.OperatorCommand.OpenDatabase(rig.Service.Database);
        await using var storing = await db.Database.BeginTransactionAsync(Cancel);
        await db.Database.ExecuteSqlRawAsync(Stories.Core.Data.DropCatalogs.Hold, Cancel);
        var pausing = rig.Own.ChangeStatusAsync(line.Id, ConfiguredStatus.Paused, cancellationToken: Cancel);
        await rig.Service.UntilWaitingAsync(1);
        var epoch = Catalog.EpochAt(rig.Now);
        await db.Database.ExecuteSqlAsync($"insert into catalogs values ('cell', {epoch}, 0, '\\x00', '\\x00', 'key', array[{line.Id}], false)", Cancel);
        await storing.CommitAsync(Cancel);
        await pausing;
        Assert.Equal(0, await rig.HandedOutAsync(line.Id));
    }

    [Theory]
    [InlineData(ReviewDecision.Suspend)]
    [InlineData(ReviewDecision.Erase)]
    public async Task A_reviewer_who_stops_a_creative_and_who_changes_its_line_wait_for_each_other_and_both_are_answered(ReviewDecision decision)
    {
        var line = await LiveAsync();
        await rig.Service.ReadAsync(db => db.Creatives.ExecuteUpdateAsync(set => set.SetProperty(c => c.Digest, "digest"), Cancel));
        await using var db = Stories.Api.Operating.OperatorCommand.OpenDatabase(rig.Service.Database);
        await using var storing = await db.Database.BeginTransactionAsync(Cancel);
        await db.Database.ExecuteSqlRawAsync(Stories.Core.Data.DropCatalogs.Hold, Cancel);
        var stopping = decision == ReviewDecision.Suspend
            ? rig.Reviewer.ReviewAsync(line.Creatives[0], new ReviewRequest(decision, [ReviewReason.Misleading]), cancellationToken: Cancel)
            : rig.Reviewer.EraseAsync("digest", ReviewReason.Misleading, Cancel);
        await rig.Service.UntilWaitingAsync(1);
        var pausing = rig.Own.ChangeStatusAsync(line.Id, ConfiguredStatus.Paused, cancellationToken: Cancel);
        await rig.Service.UntilWaitingAsync(2);
        await storing.CommitAsync(Cancel);
        await stopping;
        Assert.Equal(ConfiguredStatus.Paused, (await pausing).Status);
        Assert.False(await rig.Service.ReadAsync(db => db.Creatives.AnyAsync(c => c.State == CreativeState.Approved, Cancel)));
    }

    [Fact]
    public async Task Who_waits_for_a_line_keeps_no_catalog_from_being_stored()
    {
        await LiveAsync();
        await using var db = Stories.Api.Operating.OperatorCommand.OpenDatabase(rig.Service.Database);
        await using var counting = await db.Database.BeginTransactionAsync(Cancel);
        await db.Database.ExecuteSqlAsync($"select 1 from lines for update", Cancel);
        var stopping = rig.Ops.DecideAsync(advertiser.Id, AdvertiserDecision.Suspend, cancellationToken: Cancel);
        await rig.Service.UntilWaitingAsync(1);
        Assert.True(await db.Database.SqlQuery<bool>($"select pg_try_advisory_xact_lock_shared(hashtextextended('catalogs', 0)) as \"Value\"").SingleAsync(Cancel));
        await counting.CommitAsync(Cancel);
        Assert.Equal(AdvertiserState.Suspended, (await stopping).State);
    }

    [Fact]
    public async Task A_line_with_everything_it_needs_is_active_and_nothing_blocks_it()
    {
        var line = await LiveAsync();
        Assert.Equal((EffectiveStatus.Active, 0), (line.Effective, line.Blockers.Count));
    }

    /// <summary>Each way in which a line does not deliver, brought about as it comes about.</summary>
    public static TheoryData<BlockerCode> Codes => [.. Enum.GetValues<BlockerCode>()];

    [Theory, MemberData(nameof(Codes))]
    public async Task Each_blocker_comes_with_its_cause_and_goes_with_it(BlockerCode code)
    {
        var line = await LiveAsync();
        var status = await CauseAsync(line, code);
        var blocked = await rig.Own.ReadLineAsync(line.Id, Cancel);
        var blocker = Assert.Single(blocked.Blockers, b => b.Code == code);
        Assert.Equal(status, blocked.Effective);
        Assert.EndsWith(".", blocker.Fix, StringComparison.Ordinal);
        Assert.True(blocker.Since is null || blocker.Since <= rig.Now);
        Assert.True(blocker.NextCheck is null || blocker.NextCheck > rig.Now);
        if (code != BlockerCode.LineDraft) Assert.Single(blocked.Blockers);

        if (blocker.NextCheck is { } next && code is BlockerCode.NotStarted or BlockerCode.OutsideDaypart or BlockerCode.DayBudgetExhausted)
        {
            rig.Service.Clock.MoveTo(next + TimeSpan.FromSeconds(1));
            Assert.DoesNotContain(code, (await rig.Own.ReadLineAsync(line.Id, Cancel)).Blockers.Select(b => b.Code));
        }
    }

    private async Task<EffectiveStatus> CauseAsync(LineView line, BlockerCode code)
    {
        var terms = rig.Terms();
        switch (code)
        {
            case BlockerCode.LineDraft:
                await rig.Service.ReadAsync(db => db.Lines.ExecuteUpdateAsync(set => set.SetProperty(l => l.Status, ConfiguredStatus.Draft), Cancel));
                return EffectiveStatus.Draft;
            case BlockerCode.LinePaused:
                await rig.Own.ChangeStatusAsync(line.Id, ConfiguredStatus.Paused, cancellationToken: Cancel);
                return EffectiveStatus.Paused;
            case BlockerCode.CampaignNotActive:
                await rig.Own.ChangeCampaignAsync(campaign.Id, new CampaignRequest("Spring", CampaignObjective.Reach, null, NotPolitical: true, ConfiguredStatus.Paused), cancellationToken: Cancel);
                return EffectiveStatus.Blocked;
            case BlockerCode.AdvertiserNotVerified:
                await rig.Own.RegisterAsync(BookingRig.Request("Better Bread"), cancellationToken: Cancel);
                return EffectiveStatus.Blocked;
            case BlockerCode.AdvertiserSuspended:
                await rig.Ops.DecideAsync(advertiser.Id, AdvertiserDecision.Suspend, cancellationToken: Cancel);
                return EffectiveStatus.Blocked;
            case BlockerCode.NoCreative:
                await rig.Own.ChangeCreativesAsync(line.Id, [], cancellationToken: Cancel);
                return EffectiveStatus.Blocked;
            case BlockerCode.CreativeProcessing:
                await OnlyCreativeAsync(CreativeState.Processing);
                return EffectiveStatus.Blocked;
            case BlockerCode.CreativeNotSubmitted:
                await OnlyCreativeAsync(CreativeState.Ready);
                return EffectiveStatus.Blocked;
            case BlockerCode.PendingReview:
                await OnlyCreativeAsync(CreativeState.InReview);
                return EffectiveStatus.Blocked;
            case BlockerCode.CreativeRejected:
                await OnlyCreativeAsync(CreativeState.Suspended);
                return EffectiveStatus.Blocked;
            case BlockerCode.OfferEnded:
                using (var key = SigningKey.Generate())
                {
                    await rig.Service.ReadAsync(db => db.Advertisers.ExecuteUpdateAsync(set => set.SetProperty(a => a.OfferKey, key.PublicKey), Cancel));
                    var offer = new Offer(Guid.NewGuid(), advertiser.Id, advertiser.DisplayName, "Twelve rolls", 4_800_000, "EUR", rig.Now.AddDays(2).ToUnixTimeSeconds());
                    await rig.Own.KeepOfferAsync(offer, key, cancellationToken: Cancel);
                    var paying = await rig.CreativeAsync(advertiser.Id, facts: BookingRig.Facts(action: new CallToAction(CallToActionKind.Pay, Offer: offer.Id)));
                    await rig.Own.ChangeCreativesAsync(line.Id, [paying], cancellationToken: Cancel);
                    Assert.Equal(EffectiveStatus.Active, (await rig.Own.ReadLineAsync(line.Id, Cancel)).Effective);
                    await rig.Own.RevokeOfferAsync(offer.Id, cancellationToken: Cancel);
                }
                return EffectiveStatus.Blocked;
            case BlockerCode.NoFunds:
                // 5,000 micros a view.
                await rig.Service.ReadAsync(db => db.Wallets.ExecuteUpdateAsync(set => set.SetProperty(w => w.Balance, 4_999), Cancel));
                return EffectiveStatus.Blocked;
            case BlockerCode.BudgetExhausted:
                await rig.BillAsync(line.Id, 4000, 20_000_000);
                return EffectiveStatus.Exhausted;
            case BlockerCode.DayBudgetExhausted:
                await rig.Own.ChangeTermsAsync(line.Id, "Rolls", terms with { BudgetKind = BudgetKind.Daily }, cancellationToken: Cancel);
                await rig.BillAsync(line.Id, 4000, 20_000_000);
                return EffectiveStatus.Blocked;
            case BlockerCode.CampaignCapReached:
                await rig.BillAsync(line.Id, 1000, 5_000_000);
                await rig.Own.ChangeCampaignAsync(campaign.Id, new CampaignRequest("Spring", CampaignObjective.Reach, 5_000_000, NotPolitical: true), cancellationToken: Cancel);
                return EffectiveStatus.Blocked;
            case BlockerCode.NotStarted:
                await rig.Own.ChangeTermsAsync(line.Id, "Rolls", terms with { StartsAt = rig.Now.AddHours(2) }, cancellationToken: Cancel);
                return EffectiveStatus.Scheduled;
            case BlockerCode.Ended:
                rig.Service.Clock.MoveTo(line.Terms.EndsAt);
                return EffectiveStatus.Completed;
            case BlockerCode.OutsideDaypart:
                // It is noon on a Wednesday.
                await rig.Own.ChangeTermsAsync(line.Id, "Rolls", terms with { Dayparts = [new Daypart([DayOfWeek.Wednesday], 13, 15)] }, cancellationToken: Cancel);
                return EffectiveStatus.Active;
            case BlockerCode.PacingHold:
                // The next epoch's catalogs are there, and it is in none.
                rig.Service.Clock.Advance(TimeSpan.FromSeconds(Catalog.EpochSeconds));
                await rig.IssueAsync(Guid.NewGuid());
                return EffectiveStatus.Active;
            case BlockerCode.NoInventory:
                await rig.Own.ChangeTermsAsync(line.Id, "Rolls", terms with { Targets = new Targets([], ["FR"], []) }, cancellationToken: Cancel);
                return EffectiveStatus.Active;
            default:
                throw new ArgumentOutOfRangeException(nameof(code), code, "There is no cause for it.");
        }
    }

    private Task OnlyCreativeAsync(CreativeState state) => rig.Service.ReadAsync(db => db.Creatives.ExecuteUpdateAsync(set => set.SetProperty(c => c.State, state), Cancel));

    private async Task<LineView> LiveAsync()
    {
        await rig.AskAsync();
        var line = await rig.LineAsync(campaign, creatives: await rig.CreativeAsync(advertiser.Id));
        return await rig.ActiveAsync(line.Id);
    }
}
