using Azure.Storage.Blobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Client;
using Stories.Core.Blobs;
using Stories.Core.Jobs;
using Stories.Core.Media;
using Stories.Core.Posting;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using Stories.Tests.Media;
using Stories.Worker.Media;
using Stories.Worker.Processing;

namespace Stories.Tests.Processing;

public sealed class ProcessStoryTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_live_story_leaves_its_renditions_and_nothing_else()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.Photo], cancellationToken: Cancel)).Story;
        Assert.Single(await Remains.IngestAsync(service));

        await service.ProcessAsync(story, Cancel);

        var row = await StoryAsync(service, story);
        Assert.Equal((StoryState.Live, WorkState.Done, Stage.Done, 1, 1), (row.State, row.Work, row.Stage, row.Revision, row.Attempt));
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Equal((await Remains.PublishedAsync(service)).Order(StringComparer.Ordinal), await Remains.RenditionsAsync(service));
        Assert.True(Remains.IsScratchEmpty(service.Worker));
    }

    [Fact]
    public async Task Several_uploads_go_live_together_each_under_its_own_number()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var story = (await alice.PostAsync([Samples.Photo, Samples.CompliantVideo, Samples.PathOf("photo.webp")], cancellationToken: Cancel)).Story;

        await service.ProcessAsync(story, Cancel);

        var opened = await alice.Viewer.OpenAsync(story, Cancel);
        var renditions = opened.Renditions!.Renditions;
        Assert.Equal(
            ["0 photo-1080", "0 photo-540", "1 video-source", "1 poster", "2 photo-1080", "2 photo-540", "1 video-480", "1 video-240"],
            renditions.Select(r => $"{r.Upload} {r.Name}"));
        Assert.Equal(renditions.Count, renditions.Select(r => r.Part).Distinct().Count());
        Assert.Equal(2, opened.Renditions.Revision);
        foreach (var rendition in renditions)
        {
            using var content = new MemoryStream();
            await alice.Viewer.DownloadAsync(opened, rendition, content, Cancel);
            Assert.Equal(rendition.ContentLength, content.Length);
        }
    }

    [Fact]
    public async Task A_clear_story_rests_as_plain_media_with_its_type()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var story = (await alice.PostAsync([Samples.Photo], Level.Clear, cancellationToken: Cancel)).Story;

        await service.ProcessAsync(story, Cancel);

        var container = await service.ReadAsync(db => db.Buckets.Select(b => b.Container).SingleAsync(Cancel));
        var client = service.Worker.GetRequiredService<BlobServiceClient>().GetBlobContainerClient(container);
        foreach (var blob in await Remains.PublishedAsync(service))
        {
            var content = (await client.GetBlobClient(blob).DownloadContentAsync(Cancel)).Value;
            Assert.Equal("image/webp", content.Details.ContentType);
            Assert.Equal("RIFF"u8, content.Content.ToMemory().Span[..4]);
        }
    }

    [Fact]
    public async Task A_compliant_video_is_live_before_its_lower_rungs_are_made()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.CompliantVideo], cancellationToken: Cancel)).Story;
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table renditions add constraint none check (revision < 2)", Cancel));

        await Assert.ThrowsAsync<WorkFailedException>(() => service.ProcessAsync(story, Cancel));

        var row = await StoryAsync(service, story);
        Assert.Equal((StoryState.Live, 1), (row.State, row.Revision));
    }

    [Fact]
    public async Task Lower_rungs_that_cannot_be_made_never_take_a_story_down()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var story = (await alice.PostAsync([Samples.CompliantVideo], cancellationToken: Cancel)).Story;
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table renditions add constraint none check (revision < 2)", Cancel));

        await Assert.ThrowsAsync<WorkFailedException>(() => service.ProcessAsync(story, Cancel));
        service.Clock.Advance(StoryClaims.Rest);
        await Assert.ThrowsAsync<WorkFailedException>(() => service.ProcessAsync(story, Cancel));
        service.Clock.Advance(StoryClaims.Rest);
        await service.ProcessAsync(story, Cancel);

        var row = await StoryAsync(service, story);
        Assert.Equal((StoryState.Live, WorkState.Done, 1, null), (row.State, row.Work, row.Revision, row.Code));
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Equal((await Remains.PublishedAsync(service)).Order(StringComparer.Ordinal), await Remains.RenditionsAsync(service));
        var opened = await alice.Viewer.OpenAsync(story, Cancel);
        Assert.Equal(["video-source", "poster"], opened.Renditions!.Renditions.Select(r => r.Name));
    }

    [Fact]
    public async Task An_attempt_cut_off_between_revisions_is_gone_on_from_by_the_next_and_nothing_is_made_twice()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var story = (await alice.PostAsync([Samples.Photo, Samples.CompliantVideo], cancellationToken: Cancel)).Story;
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table renditions add constraint none check (revision < 2)", Cancel));
        await Assert.ThrowsAsync<WorkFailedException>(() => service.ProcessAsync(story, Cancel));
        var first = (await alice.Viewer.OpenAsync(story, Cancel)).Renditions!;
        var blobs = await Remains.PublishedAsync(service);
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table renditions drop constraint none", Cancel));

        service.Clock.Advance(StoryClaims.Rest);
        await service.ProcessAsync(story, Cancel);

        var opened = await alice.Viewer.OpenAsync(story, Cancel);
        var second = opened.Renditions!;
        Assert.Equal([(1, "photo-1080"), (2, "photo-540"), (3, "video-source"), (4, "poster"), (5, "video-480"), (6, "video-240")], second.Renditions.Select(r => (r.Part, r.Name)));
        Assert.Equal(first.Renditions, second.Renditions.Take(4));
        Assert.NotNull(first.Preview);
        Assert.Equal(first.Preview, second.Preview);
        Assert.Empty(blobs.Except(await Remains.PublishedAsync(service)));
        Assert.Null((await StoryAsync(service, story)).Unfinished);
        foreach (var rendition in second.Renditions)
        {
            using var content = new MemoryStream();
            await alice.Viewer.DownloadAsync(opened, rendition, content, Cancel);
        }
        Assert.Equal((await Remains.PublishedAsync(service)).Order(StringComparer.Ordinal), await Remains.RenditionsAsync(service));
    }

    [Fact]
    public async Task What_is_kept_between_revisions_is_closed_to_whoever_holds_database_and_bucket()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.CompliantVideo], cancellationToken: Cancel)).Story;
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table renditions add constraint none check (revision < 2)", Cancel));

        await Assert.ThrowsAsync<WorkFailedException>(() => service.ProcessAsync(story, Cancel));

        var bucket = await service.ReadAsync(db => db.Buckets.SingleAsync(Cancel));
        var key = await service.Api.GetRequiredService<BucketKeys>().FindAsync(bucket.Container, bucket.EndsAt, Cancel);
        var kept = key!.Value.Unwrap(story, SealedField.Unfinished, (await StoryAsync(service, story)).Unfinished);
        Assert.Equal("age-encryption.org/v1\n"u8, kept.AsSpan(0, 22));
        Assert.Equal(-1, kept.AsSpan().IndexOf("video-source"u8));
    }

    [Fact]
    public async Task Percent_is_of_the_whole_story_and_never_goes_back()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.Photo, Samples.CompliantVideo, Samples.PhoneVideo], cancellationToken: Cancel)).Story;
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("""
            create table shown (place bigint generated always as identity, revision int, percent int);
            create function note() returns trigger language plpgsql as 'begin insert into shown (revision, percent) values (new.revision, new.percent); return new; end';
            create trigger note after update on stories for each row execute function note();
            """, Cancel));

        await service.ProcessAsync(story, Cancel);

        var shown = await service.ReadAsync(db => db.Database.SqlQueryRaw<int>("select percent as \"Value\" from shown order by place").ToListAsync(Cancel));
        Assert.Equal(shown.Order(), shown);
        // Three of four are made when each upload has something to show.
        Assert.Equal(75, await service.ReadAsync(db => db.Database.SqlQueryRaw<int>("select percent as \"Value\" from shown where revision = 1 order by place limit 1").SingleAsync(Cancel)));
        Assert.Equal(100, shown[^1]);
    }

    [Fact]
    public async Task Trouble_of_ours_is_tried_three_times_and_said_by_code_alone()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.Photo], cancellationToken: Cancel)).Story;
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table renditions add constraint canary_in_a_message check (false)", Cancel));

        for (var attempt = 1; attempt < Story.MaxAttempts; attempt++)
        {
            var failure = await Assert.ThrowsAsync<WorkFailedException>(() => service.ProcessAsync(story, Cancel));
            Assert.Equal((ProblemCodes.MediaFailed, null), (failure.Message, failure.InnerException));
            // Turns that come at once find nothing: what troubles us may be over in a moment.
            await service.ProcessAsync(story, Cancel);
            Assert.Equal((WorkState.Pending, attempt), await service.ReadAsync(db => db.Stories.Select(s => new ValueTuple<WorkState, int>(s.Work, s.Attempt)).SingleAsync(Cancel)));
            service.Clock.Advance(StoryClaims.Rest);
        }
        await service.ProcessAsync(story, Cancel);

        await AssertRejectedAsync(service, story, ProblemCodes.MediaFailed);
        Assert.Contains(service.Log.Lines, line => line.Contains("PostgresException 23514", StringComparison.Ordinal));
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains("canary_in_a_message", StringComparison.Ordinal));
    }

    /// <summary>503: it is busy. 403: our key was changed, or a firewall. 404 of a container: another account.</summary>
    [Theory]
    [InlineData(503, "ServerBusy")]
    [InlineData(403, "AuthenticationFailed")]
    [InlineData(404, "ContainerNotFound")]
    public async Task While_storage_is_away_a_story_waits_and_no_attempt_counts(int status, string code)
    {
        await using var storage = FaultProxy.BeforeHttp(servers.BlobPort);
        await using var service = await Service.StartAsync(servers, toStorage: storage);
        var story = (await service.User("alice").PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel)).Story;
        var away = storage.When(line => line.StartsWith("GET ", StringComparison.Ordinal), HttpFault.Refusal(status, code));
        for (var turn = 0; turn <= Story.MaxAttempts; turn++)
        {
            await Assert.ThrowsAsync<WorkFailedException>(() => service.ProcessAsync(story, Cancel));
            Assert.Equal((WorkState.Pending, 0), await service.ReadAsync(db => db.Stories.Select(s => new ValueTuple<WorkState, int>(s.Work, s.Attempt)).SingleAsync(Cancel)));
            service.Clock.Advance(StoryClaims.Rest);
        }
        storage.Forget(away);
        await service.ProcessAsync(story, Cancel);
        Assert.Equal(StoryState.Live, (await StoryAsync(service, story)).State);
    }

    [Fact]
    public async Task While_the_key_that_opens_it_is_away_a_story_waits_and_no_attempt_counts()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel)).Story;
        var key = Assert.Single(Directory.GetFiles(service.KeyFolder, "kek-*"));
        File.Move(key, key + ".away");
        for (var turn = 0; turn <= Story.MaxAttempts; turn++)
        {
            await Assert.ThrowsAsync<WorkFailedException>(() => service.ProcessAsync(story, Cancel));
            service.Clock.Advance(StoryClaims.Rest);
        }
        Assert.Equal((WorkState.Pending, 0), await service.ReadAsync(db => db.Stories.Select(s => new ValueTuple<WorkState, int>(s.Work, s.Attempt)).SingleAsync(Cancel)));
        File.Move(key + ".away", key);
        await service.ProcessAsync(story, Cancel);
        Assert.Equal(StoryState.Live, (await StoryAsync(service, story)).State);
    }

    [Fact]
    public async Task A_database_that_goes_away_beside_storage_costs_no_attempt_when_it_is_back_in_time()
    {
        await using var storage = FaultProxy.BeforeHttp(servers.BlobPort);
        await using var database = FaultProxy.Before(servers.PostgresPort);
        await using var service = await Service.StartAsync(servers, toStorage: storage, toDatabase: database);
        var story = (await service.User("alice").PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel)).Story;
        storage.When(line => line.StartsWith("GET ", StringComparison.Ordinal), HttpFault.Refusal(503, "ServerBusy"));
        var asked = storage.Requests.Count;
        var turn = service.ProcessAsync(story, Cancel);
        while (storage.Requests.Count == asked) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancel);
        database.Fault = new Fault { IsRefusing = true };
        database.Cut();
        // Until the storage client has tried often enough, and the attempt is to be given back.
        while (!service.Log.Lines.Any(line => line.Contains("failed in attempt 1", StringComparison.Ordinal))) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancel);
        database.Fault = Fault.None;

        await Assert.ThrowsAsync<WorkFailedException>(() => turn);
        Assert.Equal(0, await service.ReadAsync(db => db.Stories.Select(s => s.Attempt).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task Videos_of_one_story_are_no_longer_together_than_one_that_may_be_cut()
    {
        await using var service = await Service.StartAsync(servers, new() { ["Media:VideoDuration"] = "00:00:01", ["Media:SplitVideoDuration"] = "00:00:12" });
        var clip = await Tools.MakeAsync("clip.mp4", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=7", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p");
        var draft = new Draft([clip, clip], Level.Processed, TimeSpan.FromHours(24), "friends", null, new RenderWishes(Split: true));
        var story = (await service.User("alice").Poster.PostAsync(draft, (_, _) => { }, Cancel)).Story;

        await service.ProcessAsync(story, Cancel);

        await AssertRejectedAsync(service, story, MediaCodes.TooLong);
    }

    [Fact]
    public async Task A_worker_whose_sandbox_does_not_stand_takes_no_story()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel)).Story;
        service.Worker.GetRequiredService<SandboxState>().Fall("a test");
        for (var turn = 0; turn <= Story.MaxAttempts; turn++)
        {
            // As failed work: its turn comes again, to whoever can do it.
            await Assert.ThrowsAsync<WorkFailedException>(() => service.ProcessAsync(story, Cancel));
            service.Clock.Advance(StoryClaims.Rest);
        }
        Assert.Equal((StoryState.Accepted, 0), await service.ReadAsync(db => db.Stories.Select(s => new ValueTuple<StoryState, int>(s.State, s.Attempt)).SingleAsync(Cancel)));
        await service.TakeTurnAsync(Lane.Photo, service.StartWorker(), Cancel);
        Assert.Equal(StoryState.Live, (await StoryAsync(service, story)).State);
    }

    [Fact]
    public async Task Work_whose_attempts_were_used_up_by_dying_workers_is_rejected()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.Photo], cancellationToken: Cancel)).Story;
        await service.ReadAsync(db => db.Stories.ExecuteUpdateAsync(set => set
            .SetProperty(s => s.Attempt, Story.MaxAttempts).SetProperty(s => s.State, StoryState.Processing).SetProperty(s => s.ClaimedUntil, service.Clock.GetUtcNow()), Cancel));
        service.Clock.Advance(TimeSpan.FromSeconds(1));

        await service.ProcessAsync(story, Cancel);

        await AssertRejectedAsync(service, story, ProblemCodes.MediaFailed);
    }

    [Fact]
    public async Task A_story_that_expired_while_it_waited_becomes_a_no_op_without_input()
    {
        await using var service = await Service.StartAsync(servers);
        var accepted = await service.User("alice").PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(1), cancellationToken: Cancel);
        service.Clock.MoveTo(accepted.ExpiresAt);

        await service.ProcessAsync(accepted.Story, Cancel);

        var row = await StoryAsync(service, accepted.Story);
        Assert.Equal((StoryState.ExpiredBeforeLive, WorkState.Done, null, 0), (row.State, row.Work, row.Code, row.Revision));
        Assert.Empty(await Remains.IngestAsync(service));
    }

    [Fact]
    public async Task Rejection_frees_the_authors_open_uploads()
    {
        await using var service = await Service.StartAsync(servers, new() { ["Uploads:OpenPerUser"] = "1" });
        var alice = service.User("alice");
        for (var i = 0; i < 3; i++)
        {
            var story = (await alice.PostAsync([Samples.PathOf("hostile-text.jpg")], cancellationToken: Cancel)).Story;
            await service.ProcessAsync(story, Cancel);
            await AssertRejectedAsync(service, story, "media.unknownType");
        }
    }

    internal static async Task AssertRejectedAsync(Service service, Guid story, string code)
    {
        var row = await StoryAsync(service, story);
        Assert.Equal((StoryState.Rejected, WorkState.Done, code), (row.State, row.Work, row.Code));
        Assert.Equal((null, null, null, null, null), (row.Manifest, row.Signature, row.KeyEnvelope, row.Payload, row.RenditionManifest));
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Empty(await Remains.RenditionsAsync(service));
        Assert.True(Remains.IsScratchEmpty(service.Worker));
    }

    internal static Task<Story> StoryAsync(Service service, Guid story) =>
        service.ReadAsync(db => db.Stories.AsNoTracking().SingleAsync(s => s.Id == story, Cancel));
}
