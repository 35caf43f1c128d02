using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Client;
using Stories.Core.Blobs;
using Stories.Core.Faults;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using Stories.Tests.Media;
using Stories.Worker.Sponsored;

namespace Stories.Tests.Sponsored;

public sealed class CreativeTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_clip_becomes_renditions_with_a_digest_over_all_that_is_shown_and_its_upload_is_gone()
    {
        await using var rig = await Campaigning.StartAsync(servers);

        var creative = await rig.MadeAsync(await Campaigning.ClipAsync());

        Assert.Equal(CreativeState.Ready, creative.State);
        Assert.Equal(new CreativeContent(creative.Facts, [.. creative.Media.Select(m => m.File)]).Digest, creative.Digest);
        Assert.Contains(creative.Media, m => m.File.Name == "poster");
        Assert.Contains(creative.Media, m => m.File.MediaType == "video/mp4");
        using var http = new HttpClient();
        foreach (var media in creative.Media) Assert.Equal(media.File.Blob, Digest.Of(await http.GetByteArrayAsync(media.Url, Cancel)));
        Assert.Equal(0, await rig.Service.ReadAsync(db => db.Uploads.CountAsync(u => u.BytesGoneAt == null, Cancel)));
    }

    [Theory]
    [InlineData("480x270", 4, "media.notPortrait")]
    [InlineData("270x480", 2, "media.tooShort")]
    public async Task A_clip_of_another_shape_or_length_is_refused_by_a_code(string size, double seconds, string code)
    {
        await using var rig = await Campaigning.StartAsync(servers);

        var creative = await rig.MadeAsync(await Campaigning.ClipAsync(seconds, size));

        Assert.Equal((CreativeState.Rejected, code), (creative.State, creative.Code));
        Assert.Empty(creative.Media);
    }

    [Fact]
    public async Task A_clip_that_begins_in_the_dark_and_a_picture_with_nothing_on_it_are_refused()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var dark = await Tools.MakeAsync("dark.mp4", "-f", "lavfi", "-i", "color=black:size=270x480:rate=25:duration=2", "-f", "lavfi", "-i", "testsrc2=size=270x480:rate=25:duration=3",
            "-filter_complex", "[0][1]concat=n=2", "-pix_fmt", "yuv420p", "-preset", "ultrafast");

        var clip = await rig.MadeAsync(dark);
        var picture = await rig.MadeAsync(await Campaigning.PictureAsync("color=blue:size=540x960"));

        Assert.Equal(ProblemCodes.MediaBlackFrames, clip.Code);
        Assert.Equal(ProblemCodes.MediaBlackFrames, picture.Code);
    }

    [Fact]
    public async Task What_a_reviewer_refused_does_not_come_back_in_other_bytes()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var first = await rig.MadeAsync(await Campaigning.PictureAsync());
        await rig.Creatives.SubmitAsync(first.Id, cancellationToken: Cancel);
        await rig.Reviewer().ReviewAsync(first.Id, new ReviewRequest(ReviewDecision.Reject, [ReviewReason.Misleading], "Rolls are not that warm."), cancellationToken: Cancel);

        var again = await rig.MadeAsync(await Tools.MakeAsync("again.jpg", "-f", "lavfi", "-i", "testsrc2=size=1080x1920", "-frames:v", "1", "-q:v", "6"));
        var other = await rig.MadeAsync(await Campaigning.PictureAsync("mandelbrot=size=540x960"));

        Assert.Equal((CreativeState.Rejected, ProblemCodes.MediaResubmitted), (again.State, again.Code));
        Assert.Equal([ReviewReason.Resubmitted], Assert.Single(again.Reviews).Reasons);
        Assert.Equal(CreativeState.Ready, other.State);
    }

    [Fact]
    public async Task A_refusal_is_appealed_once_and_decided_by_somebody_else()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.MadeAsync(await Campaigning.PictureAsync());
        await rig.Creatives.SubmitAsync(creative.Id, cancellationToken: Cancel);
        Assert.Equal(creative.Id, Assert.Single((await rig.Reviewer().ListReviewsAsync(Cancel)).Creatives).Creative.Id);
        var reject = new ReviewRequest(ReviewDecision.Reject, [ReviewReason.Quality]);
        await rig.Reviewer().ReviewAsync(creative.Id, reject, cancellationToken: Cancel);

        Assert.Equal(CreativeState.InReview, (await rig.Creatives.AppealAsync(creative.Id, "It is sharp.", cancellationToken: Cancel)).State);
        Assert.Equal(ProblemCodes.AdsOwnReview, await RefusalAsync(() => rig.Reviewer().ReviewAsync(creative.Id, reject, cancellationToken: Cancel)));
        Assert.Equal(CreativeState.Rejected, (await rig.Reviewer("second").ReviewAsync(creative.Id, reject, cancellationToken: Cancel)).State);

        Assert.Equal(ProblemCodes.AdsCreativeState, await RefusalAsync(() => rig.Creatives.AppealAsync(creative.Id, "Once more.", cancellationToken: Cancel)));
    }

    [Fact]
    public async Task Nobody_reviews_the_own_accounts_creative_nor_without_a_reason()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.MadeAsync(await Campaigning.PictureAsync());
        await rig.Creatives.SubmitAsync(creative.Id, cancellationToken: Cancel);

        Assert.Equal(ProblemCodes.AdsOwnReview, await RefusalAsync(() => rig.Reviewer(Campaigning.Owner).ReviewAsync(creative.Id, new ReviewRequest(ReviewDecision.Approve), cancellationToken: Cancel)));
        Assert.Equal(ProblemCodes.AdsFieldsInvalid, await RefusalAsync(() => rig.Reviewer().ReviewAsync(creative.Id, new ReviewRequest(ReviewDecision.Reject), cancellationToken: Cancel)));
    }

    [Fact]
    public async Task Facts_change_in_a_draft_only_and_faults_name_their_fields()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var draft = await rig.Creatives.PrepareAsync(Campaigning.Facts(), cancellationToken: Cancel);

        Assert.Equal("Fresh", (await rig.Creatives.ChangeAsync(draft.Id, Campaigning.Facts("Fresh"), cancellationToken: Cancel)).Facts.Headline);
        var fault = await Assert.ThrowsAsync<StoriesProblemException>(() => rig.Creatives.ChangeAsync(draft.Id,
            Campaigning.Facts(new string('x', 35), new CallToAction(CallToActionKind.OpenUrl, "https://shop.test/?user={id}")), cancellationToken: Cancel));
        Assert.Equal(["headline", "callToAction.target"], fault.Faults.Select(f => f.Field));

        var made = await rig.MadeAsync(await Campaigning.PictureAsync());
        Assert.Equal(ProblemCodes.AdsCreativeState, await RefusalAsync(() => rig.Creatives.ChangeAsync(made.Id, Campaigning.Facts("Other"), cancellationToken: Cancel)));
    }

    [Fact]
    public async Task A_draft_in_a_line_for_everybody_does_not_become_one_for_adults()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var wine = Campaigning.Facts() with { Disclosures = new Disclosures(AdultsOnly: true) };
        var draft = await rig.Creatives.PrepareAsync(Campaigning.Facts(), cancellationToken: Cancel);
        var line = await rig.ActiveLineAsync(draft.Id);
        var archived = await rig.ActiveLineAsync(draft.Id);
        await rig.Ads.ChangeStatusAsync(archived.Id, ConfiguredStatus.Archived, cancellationToken: Cancel);

        var refusal = await Assert.ThrowsAsync<StoriesProblemException>(() => rig.Creatives.ChangeAsync(draft.Id, wine, cancellationToken: Cancel));
        Assert.Equal((ProblemCodes.AdsFieldsInvalid, "disclosures.adultsOnly", FieldFaultCode.NotAllowed), (refusal.Code, Assert.Single(refusal.Faults).Field, refusal.Faults[0].Code));
        Assert.False((await rig.Creatives.ReadAsync(draft.Id, Cancel)).Facts.Disclosures.AdultsOnly);

        await rig.Ads.ChangeTermsAsync(line.Id, "Wine", rig.Terms(targets: Targets.Everybody with { AdultsOnly = true }), cancellationToken: Cancel);
        Assert.True((await rig.Creatives.ChangeAsync(draft.Id, wine, cancellationToken: Cancel)).Facts.Disclosures.AdultsOnly);
    }

    [Fact]
    public async Task An_attempt_that_was_cut_off_is_made_again_and_leaves_no_container()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.WaitingAsync(await Campaigning.PictureAsync());
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"update creatives set attempt = 1, container = {"creative-cut-off"}, claimed_until = {rig.Now.AddSeconds(-1)}", Cancel));
        var blobs = rig.Service.Worker.GetRequiredService<CreativeBlobs>();
        await blobs.CreateContainerAsync("creative-cut-off", Cancel);

        await rig.WorkAsync<MakeCreatives>(make => make.RunAsync(Cancel));

        Assert.Equal(CreativeState.Ready, (await rig.Creatives.ReadAsync(creative.Id, Cancel)).State);
        Assert.False(await rig.Service.Worker.GetRequiredService<BucketBlobs>().ContainerExistsAsync("creative-cut-off", Cancel));
    }

    [Theory]
    [InlineData("GET ", 0)]
    [InlineData("PUT ", 0)]
    [InlineData("GET ", Creative.MaxAttempts - 1)]
    public async Task While_storage_is_away_a_creative_waits_and_no_attempt_counts(string request, int before)
    {
        await using var storage = FaultProxy.BeforeHttp(servers.BlobPort);
        await using var rig = await Campaigning.StartAsync(servers, toStorage: storage);
        var creative = await rig.WaitingAsync(await Campaigning.PictureAsync());
        await rig.Service.ReadAsync(db => db.Creatives.ExecuteUpdateAsync(set => set.SetProperty(c => c.Attempt, before), Cancel));
        var away = storage.When(line => line.StartsWith(request, StringComparison.Ordinal), HttpFault.Refusal(503, "ServerBusy"));
        for (var turn = 0; turn <= Creative.MaxAttempts; turn++)
        {
            var failure = await Record.ExceptionAsync(() => rig.WorkAsync<MakeCreatives>(make => make.RunAsync(Cancel)));
            Assert.True(failure is null || Trouble.IsAway(failure), failure?.ToString());
            Assert.Equal((CreativeState.Processing, before), await rig.Service.ReadAsync(db => db.Creatives.Select(c => new ValueTuple<CreativeState, int>(c.State, c.Attempt)).SingleAsync(Cancel)));
            rig.Service.Clock.Advance(TimeSpan.FromMinutes(1));
        }
        // What the last attempt left cannot be deleted: it keeps the next from beginning, and counts neither.
        storage.Forget(away);
        var deaf = storage.When(line => line.StartsWith("DELETE ", StringComparison.Ordinal), HttpFault.Refusal(503, "ServerBusy"));
        await Assert.ThrowsAnyAsync<Exception>(() => rig.WorkAsync<MakeCreatives>(make => make.RunAsync(Cancel)));
        storage.Forget(deaf);

        await rig.WorkAsync<MakeCreatives>(make => make.RunAsync(Cancel));
        Assert.Equal(CreativeState.Ready, (await rig.Creatives.ReadAsync(creative.Id, Cancel)).State);
    }

    [Fact]
    public async Task Bytes_that_a_reviewer_has_erased_are_gone_and_that_it_was_shown_stays_known()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.ApprovedAsync();
        await rig.Service.ReadAsync(db => db.Creatives.ExecuteUpdateAsync(set => set.SetProperty(c => c.LastShownAt, rig.Now), Cancel));
        var container = await rig.Service.ReadAsync(db => db.Creatives.Select(c => c.Container!).SingleAsync(Cancel));

        using (var http = rig.Service.Http("reviewer", "ads.review"))
            Assert.True((await http.DeleteAsync($"v1/ads/repository/{creative.Digest}", Cancel)).IsSuccessStatusCode);
        await rig.WorkAsync<EraseCreatives>(erase => erase.RunAsync(Cancel));

        Assert.False(await rig.Service.Worker.GetRequiredService<BucketBlobs>().ContainerExistsAsync(container, Cancel));
        Assert.Empty(Assert.Single((await rig.Reviewer().ShowRepositoryAsync(cancellationToken: Cancel)).Entries).Media);
    }

    [Fact]
    public async Task What_was_shown_is_kept_for_a_year_and_what_never_was_for_thirty_days_after_its_end()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var shown = await rig.ApprovedAsync();
        var never = await rig.MadeAsync(await Campaigning.PictureAsync("mandelbrot=size=540x960"));
        await rig.Service.ReadAsync(db => db.Creatives.Where(c => c.Id == shown.Id).ExecuteUpdateAsync(set => set.SetProperty(c => c.LastShownAt, rig.Now), Cancel));
        await rig.Creatives.WithdrawAsync(shown.Id, cancellationToken: Cancel);
        await rig.Creatives.WithdrawAsync(never.Id, cancellationToken: Cancel);

        rig.Service.Clock.Advance(TimeSpan.FromDays(31));
        await rig.WorkAsync<EraseCreatives>(erase => erase.RunAsync(Cancel));
        Assert.Equal([shown.Id], await rig.Service.ReadAsync(db => db.Creatives.Select(c => c.Id).ToListAsync(Cancel)));

        rig.Service.Clock.Advance(TimeSpan.FromDays(335));
        await rig.WorkAsync<EraseCreatives>(erase => erase.RunAsync(Cancel));
        Assert.False(await rig.Service.ReadAsync(db => db.Creatives.AnyAsync(Cancel)));
    }

    [Fact]
    public void A_look_survives_another_size_and_tells_pictures_apart()
    {
        byte[] slope = [.. Enumerable.Range(0, 72).Select(i => (byte)(i % 9 * 20 + i / 9))];
        byte[] brighter = [.. slope.Select(p => (byte)(p + 40))];
        byte[] mirrored = [.. Enumerable.Range(0, 72).Select(i => (byte)((8 - i % 9) * 20 + i / 9))];

        Assert.True(Look.IsSame(Look.Of(slope)!.Value, Look.Of(brighter)!.Value));
        Assert.False(Look.IsSame(Look.Of(slope)!.Value, Look.Of(mirrored)!.Value));
        Assert.Null(Look.Of(new byte[72]));
    }

    private static async Task<string?> RefusalAsync(Func<Task> act) => (await Assert.ThrowsAsync<StoriesProblemException>(act)).Code;
}
