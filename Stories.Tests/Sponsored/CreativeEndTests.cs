using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Client;
using Stories.Core.Blobs;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Auditing;
using Stories.Tests.Fixtures;
using Stories.Tests.Media;
using Stories.Worker.Auditing;
using Stories.Worker.Sponsored;

namespace Stories.Tests.Sponsored;

/// <summary>How creatives end, and what of them stays.</summary>
public sealed class CreativeEndTests(LocalServers servers)
{
    private static readonly TimeSpan Month = TimeSpan.FromDays(31), Year = TimeSpan.FromDays(366);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_refused_does_not_come_back_because_its_owner_withdrew_it_and_neither_after_its_bytes_are_gone()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var refused = await RejectedAsync(rig, ReviewReason.ProhibitedGoods);
        await rig.Creatives.WithdrawAsync(refused.Id, cancellationToken: Cancel);

        var again = await rig.MadeAsync(await Campaigning.PictureAsync());
        rig.Service.Clock.Advance(Month);
        await rig.WorkAsync<EraseCreatives>(erase => erase.RunAsync(Cancel));
        Assert.False(await HasContainerAsync(rig, refused.Id));
        await RenewKeysAsync(rig);
        var later = await rig.MadeAsync(await Campaigning.PictureAsync());

        Assert.Equal((ProblemCodes.MediaResubmitted, ProblemCodes.MediaResubmitted), (again.Code, later.Code));
        rig.Service.Clock.Advance(Year);
        await rig.WorkAsync<EraseCreatives>(erase => erase.RunAsync(Cancel));
        Assert.Equal((0, 0), await rig.Service.ReadAsync(async db => (await db.Creatives.CountAsync(Cancel), await db.Reviews.CountAsync(Cancel))));
    }

    [Theory]
    [InlineData(ReviewReason.UnmarkedDisclosure)]
    [InlineData(ReviewReason.WrongBeneficiary)]
    [InlineData(ReviewReason.Quality)]
    public async Task What_was_refused_for_its_words_may_come_back_with_others(ReviewReason reason)
    {
        await using var rig = await Campaigning.StartAsync(servers);
        await RejectedAsync(rig, reason);

        Assert.Equal(CreativeState.Ready, (await rig.MadeAsync(await Campaigning.PictureAsync())).State);
    }

    [Fact]
    public async Task A_refusal_that_an_appeal_overturned_refuses_nothing_any_more()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await RejectedAsync(rig, ReviewReason.Misleading);
        await rig.Creatives.AppealAsync(creative.Id, "Rolls are warm.", cancellationToken: Cancel);
        await rig.Reviewer("second").ReviewAsync(creative.Id, new ReviewRequest(ReviewDecision.Approve), cancellationToken: Cancel);

        Assert.Equal(CreativeState.Ready, (await rig.MadeAsync(await Campaigning.PictureAsync())).State);
    }

    [Fact]
    public async Task What_a_reviewer_had_erased_before_it_was_shown_does_not_come_back_either_and_its_row_says_who_decided_what()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.ApprovedAsync();

        await rig.Reviewer().EraseAsync(creative.Digest!, ReviewReason.ProhibitedGoods, Cancel);
        await rig.WorkAsync<EraseCreatives>(erase => erase.EraseBytesAsync(Cancel));

        var view = await rig.Creatives.ReadAsync(creative.Id, Cancel);
        Assert.Equal(CreativeState.Withdrawn, view.State);
        Assert.Empty(view.Media);
        Assert.Equal((ReviewDecision.Erase, ReviewReason.ProhibitedGoods), (view.Reviews[^1].Decision, Assert.Single(view.Reviews[^1].Reasons)));
        Assert.False(await HasContainerAsync(rig, creative.Id));
        Assert.Equal(ProblemCodes.MediaResubmitted, (await rig.MadeAsync(await Campaigning.PictureAsync())).Code);
        Assert.Equal(ProblemCodes.AdsFieldsInvalid, await RefusalAsync(() => rig.Reviewer().ReviewAsync(creative.Id, new ReviewRequest(ReviewDecision.Erase, [ReviewReason.Other]), cancellationToken: Cancel)));
    }

    [Fact]
    public async Task Bytes_whose_end_has_been_said_are_not_appealed_submitted_or_booked_any_more()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var refused = await RejectedAsync(rig, ReviewReason.Misleading);
        rig.Service.Clock.Advance(Month);
        await rig.WorkAsync<EraseCreatives>(erase => erase.RunAsync(Cancel));

        Assert.Equal(ProblemCodes.AdsCreativeState, await RefusalAsync(() => rig.Creatives.AppealAsync(refused.Id, "Look again.", cancellationToken: Cancel)));
        Assert.Equal(ProblemCodes.AdsFieldsInvalid, await RefusalAsync(() => rig.ActiveLineAsync(refused.Id)));
    }

    [Fact]
    public async Task An_approved_creative_is_kept_while_a_line_may_show_it_and_goes_a_year_after_nobody_does()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.ApprovedAsync();
        await rig.ActiveLineAsync(creative.Id, rig.Terms() with { EndsAt = rig.Now + TimeSpan.FromDays(365) });
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"update creatives set changed_at = {rig.Now - Year}, last_shown_at = null", Cancel));

        await rig.WorkAsync<EraseCreatives>(erase => erase.RunAsync(Cancel));
        Assert.True(await HasContainerAsync(rig, creative.Id));

        rig.Service.Clock.Advance(Year);
        await rig.WorkAsync<EraseCreatives>(erase => erase.RunAsync(Cancel));
        Assert.False(await rig.Service.ReadAsync(db => db.Creatives.AnyAsync(Cancel)));
        Assert.Equal(0, await rig.Service.ReadAsync(db => db.LineCreatives.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Of_an_erased_account_goes_what_was_never_shown_and_stays_what_the_repository_shows()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var never = await rig.MadeAsync(await Campaigning.PictureAsync("mandelbrot=size=540x960"));
        var waiting = await rig.WaitingAsync(await Campaigning.PictureAsync("rgbtestsrc=size=540x960"));
        var shown = await rig.ApprovedAsync();
        await rig.Service.ReadAsync(db => db.Creatives.Where(c => c.Id == shown.Id).ExecuteUpdateAsync(set => set.SetProperty(c => c.LastShownAt, rig.Now), Cancel));

        await rig.Client(Campaigning.Owner, "stories.post").EraseUserAsync(new UserName(Service.ChatApp, Campaigning.Owner), Cancel);
        await rig.Service.SweepAsync();
        await rig.WorkAsync<MakeCreatives>(make => make.RunAsync(Cancel));
        await rig.WorkAsync<EraseCreatives>(erase => erase.RunAsync(Cancel));

        var left = await rig.Service.ReadAsync(db => db.Creatives.AsNoTracking().ToListAsync(Cancel));
        Assert.DoesNotContain(left, c => c.Id == never.Id || c.Id == waiting.Id);
        Assert.Equal((shown.Id, CreativeState.Withdrawn), (Assert.Single(left).Id, left[0].State));
        Assert.NotEmpty(Assert.Single((await rig.Reviewer().ShowRepositoryAsync(cancellationToken: Cancel)).Entries).Media);
    }

    [Fact]
    public async Task An_offer_goes_a_month_after_its_end()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var offer = new Offer(Guid.NewGuid(), Guid.NewGuid(), "Rolls", "Six of them", 199_0000, "EUR", rig.Now.AddDays(1).ToUnixTimeSeconds());
        await rig.Service.ReadAsync(async db =>
        {
            db.Offers.Add(StoredOffer.Of(offer, new SignedRecord([1], [2], "key")));
            return await db.SaveChangesAsync(Cancel);
        });

        rig.Service.Clock.Advance(TimeSpan.FromDays(30));
        await rig.WorkAsync<ForgetRecords>(forget => forget.RunAsync(Cancel));
        Assert.True(await rig.Service.ReadAsync(db => db.Offers.AnyAsync(Cancel)));
        rig.Service.Clock.Advance(TimeSpan.FromDays(2));
        await rig.WorkAsync<ForgetRecords>(forget => forget.RunAsync(Cancel));
        Assert.False(await rig.Service.ReadAsync(db => db.Offers.AnyAsync(Cancel)));
    }

    [Fact]
    public async Task A_creative_that_is_withdrawn_while_it_is_made_leaves_nothing_behind()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var waiting = await rig.WaitingAsync(await Campaigning.PictureAsync());
        // A worker has begun, and comes to its end only after the withdrawal.
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"update creatives set attempt = 1, claimed_until = {rig.Now.AddSeconds(30)}", Cancel));
        await rig.Creatives.WithdrawAsync(waiting.Id, cancellationToken: Cancel);

        await rig.WorkAsync<MakeCreatives>(make => make.RunAsync(Cancel));
        await rig.Service.SweepAsync();

        Assert.Equal(CreativeState.Withdrawn, (await rig.Creatives.ReadAsync(waiting.Id, Cancel)).State);
        Assert.Equal(0, await rig.Service.ReadAsync(db => db.Uploads.CountAsync(u => u.BytesGoneAt == null, Cancel)));
        Assert.Empty(await ContainersAsync(rig));
    }

    [Fact]
    public async Task A_file_that_kills_its_worker_three_times_is_refused_and_its_upload_goes()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var waiting = await rig.WaitingAsync(await Campaigning.PictureAsync());
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"update creatives set attempt = {Creative.MaxAttempts}, claimed_until = {rig.Now.AddSeconds(-1)}", Cancel));

        await rig.WorkAsync<MakeCreatives>(make => make.RunAsync(Cancel));

        var view = await rig.Creatives.ReadAsync(waiting.Id, Cancel);
        Assert.Equal((CreativeState.Rejected, ProblemCodes.MediaFailed), (view.State, view.Code));
        Assert.Equal(0, await rig.Service.ReadAsync(db => db.Uploads.CountAsync(u => u.BytesGoneAt == null, Cancel)));
    }

    [Theory]
    [InlineData("creative:claimed")]
    [InlineData("creative:container")]
    [InlineData("creative:stored")]
    [InlineData("creative:ended")]
    public async Task Whenever_a_worker_is_killed_another_makes_the_creative_and_one_container_is_left(string point)
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var waiting = await rig.WaitingAsync(await Campaigning.PictureAsync());
        await using (var killed = rig.Service.StartProcess("Worker", ("STORIES_CRASH_AT", point)))
            await killed.WaitForEndAsync(Cancel);
        await rig.Service.UntilNobodyHasATurnAsync();

        rig.Service.Clock.Advance(TimeSpan.FromMinutes(1));
        await rig.WorkAsync<MakeCreatives>(make => make.RunAsync(Cancel));
        await rig.Service.SweepAsync();

        Assert.Equal(CreativeState.Ready, (await rig.Creatives.ReadAsync(waiting.Id, Cancel)).State);
        Assert.Equal(await rig.Service.ReadAsync(db => db.Creatives.Select(c => c.Container!).ToListAsync(Cancel)), await ContainersAsync(rig));
        Assert.Equal(0, await rig.Service.ReadAsync(db => db.Uploads.CountAsync(u => u.BytesGoneAt == null, Cancel)));
    }

    [Fact]
    public async Task A_container_of_no_creative_goes_after_a_day_and_a_creative_without_its_container_is_told_of()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var made = await rig.MadeAsync(await Campaigning.PictureAsync());
        var audit = new AuditRig(rig.Service);
        var left = await audit.PlantContainerAsync(BlobNames.Creative(audit.Deployment), audit.Deployment);
        var stranger = await audit.PlantContainerAsync(BlobNames.Creative(audit.Deployment), "another");

        Assert.Equal((1, 0), AuditRig.Of(await audit.AuditAsync(AuditMode.Repair), "containers of no creative"));
        rig.Service.Clock.Advance(TimeSpan.FromHours(25));
        await audit.AssertMendsAsync("containers of no creative", found: 1, repaired: 1);

        Assert.False(await left.ExistsAsync(Cancel));
        Assert.True(await stranger.ExistsAsync(Cancel));
        await stranger.DeleteAsync(cancellationToken: Cancel);
        Assert.Equal((0, 0), AuditRig.Of(await audit.AuditAsync(), "creatives without their container"));
        var container = await rig.Service.ReadAsync(db => db.Creatives.Where(c => c.Id == made.Id).Select(c => c.Container!).SingleAsync(Cancel));
        await audit.Storage.DeleteBlobContainerAsync(container, cancellationToken: Cancel);
        Assert.Equal((1, 0), AuditRig.Of(await audit.AuditAsync(AuditMode.Repair), "creatives without their container"));
    }

    [Fact]
    public async Task A_clip_that_ends_in_the_dark_and_an_animation_that_is_mostly_dark_are_refused()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        string[] code = ["-pix_fmt", "yuv420p", "-preset", "ultrafast"];
        var dark = await Tools.MakeAsync("dark.mp4", ["-f", "lavfi", "-i", "testsrc2=size=270x480:rate=25:duration=4", "-f", "lavfi", "-i", "color=black:size=270x480:rate=25:duration=1.5", "-filter_complex", "[0][1]concat=n=2", .. code]);
        var blink = await Tools.MakeAsync("blink.mp4", ["-f", "lavfi", "-i", "testsrc2=size=270x480:rate=25:duration=4", "-f", "lavfi", "-i", "color=black:size=270x480:rate=25:duration=0.6", "-filter_complex", "[0][1]concat=n=2", .. code]);
        var animation = await Tools.MakeAsync("dark.gif", "-f", "lavfi", "-i", "testsrc2=size=108x192:rate=5:duration=1", "-f", "lavfi", "-i", "color=black:size=108x192:rate=5:duration=3", "-filter_complex", "[1]split[a][b];[a]trim=duration=0.8[c];[b]trim=duration=2.2,setpts=PTS-STARTPTS[d];[c][0][d]concat=n=3");

        Assert.Equal(ProblemCodes.MediaBlackFrames, (await rig.MadeAsync(dark)).Code);
        Assert.Equal(CreativeState.Ready, (await rig.MadeAsync(blink)).State);
        Assert.Equal(ProblemCodes.MediaBlackFrames, (await rig.MadeAsync(animation)).Code);
    }

    [Fact]
    public async Task Edges_where_the_app_lays_its_own_words_are_pointed_out_and_refuse_nothing()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var calm = await Campaigning.PictureAsync("color=size=540x960,geq=r=X/3:g=Y/5:b=128,drawbox=x=100:y=400:w=300:h=200:color=red:t=fill");
        // Stripes are what a line of writing is from far away.
        var written = await Campaigning.PictureAsync("color=size=540x960,geq=r=X/3:g=Y/5:b=128,drawgrid=x=0:y=0:w=12:h=960:t=4:color=white:enable=1,crop=540:130:0:0,pad=540:960:0:0:color=teal");

        var (quiet, busy) = (await rig.MadeAsync(calm), await rig.MadeAsync(written));

        Assert.Equal((CreativeState.Ready, null), (quiet.State, quiet.Code));
        Assert.Equal((CreativeState.Ready, ProblemCodes.MediaBusyEdges), (busy.State, busy.Code));
    }

    private static async Task<CreativeView> RejectedAsync(Campaigning rig, ReviewReason reason)
    {
        var creative = await rig.MadeAsync(await Campaigning.PictureAsync());
        await rig.Creatives.SubmitAsync(creative.Id, cancellationToken: Cancel);
        return await rig.Reviewer().ReviewAsync(creative.Id, new ReviewRequest(ReviewDecision.Reject, [reason]), cancellationToken: Cancel);
    }

    /// <summary>A month later the processing keys are others.</summary>
    private static Task RenewKeysAsync(Campaigning rig) => rig.Service.SweepAsync();

    private static Task<bool> HasContainerAsync(Campaigning rig, Guid creative) => rig.Service.ReadAsync(db => db.Creatives.AnyAsync(c => c.Id == creative && c.Container != null, Cancel));

    private static async Task<List<string>> ContainersAsync(Campaigning rig)
    {
        var found = new List<string>();
        await foreach (var (name, _) in rig.Service.Worker.GetRequiredService<BlobInventory>().CreativesAsync(Cancel)) found.Add(name);
        return found;
    }

    private static async Task<string?> RefusalAsync(Func<Task> act) => (await Assert.ThrowsAsync<StoriesProblemException>(act)).Code;
}
