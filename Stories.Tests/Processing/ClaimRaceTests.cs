using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Worker.Media;
using Stories.Worker.Processing;

namespace Stories.Tests.Processing;

/// <summary>Workers that race each other, the end of a bucket, the author, and their own stop. Each stands still at the last step before publishing.</summary>
public sealed class ClaimRaceTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_that_stood_still_past_its_lease_publishes_nothing_and_leaves_the_story_to_its_successor()
    {
        await using var service = await Service.StartAsync(servers);
        var story = await PostAsync(service);
        await using var gate = await BucketGate.CloseAsync(service.Database, Cancel);
        var late = service.ProcessAsync(story, Cancel);
        await gate.WaitForSomebodyAsync(Cancel);

        // Another process takes the work over as soon as the lease has run out.
        service.Clock.Advance(StoryClaims.Lease + TimeSpan.FromSeconds(1));
        var successor = await service.Worker.GetRequiredService<StoryClaims>().TakeAsync(Lane.Photo, Cancel);
        Assert.NotNull(successor);
        await gate.OpenAsync(Cancel);
        await late;

        var row = await ProcessStoryTests.StoryAsync(service, story);
        Assert.Equal((StoryState.Processing, WorkState.Pending, 0, 2), (row.State, row.Work, row.Revision, row.Attempt));
        Assert.Empty(await Remains.RenditionsAsync(service));
        Assert.Single(await Remains.IngestAsync(service));
    }

    [Fact]
    public async Task A_refusal_by_a_worker_that_lost_its_lease_does_not_end_the_story()
    {
        await using var service = await Service.StartAsync(servers);
        var story = await PostAsync(service);
        var claims = service.Worker.GetRequiredService<StoryClaims>();
        var late = await claims.TakeAsync(Lane.Photo, Cancel);
        service.Clock.Advance(StoryClaims.Lease + TimeSpan.FromSeconds(1));
        await claims.TakeAsync(Lane.Photo, Cancel);

        Assert.False(await claims.EndAsync(late!, StoryState.Rejected, ProblemCodes.MediaFailed, Cancel));
        Assert.False(await claims.FinishAsync(late!, Cancel));
        Assert.False(await claims.ReleaseAsync(late!, counts: true, Cancel));
        Assert.False(await claims.ReturnAsync(late!, Cancel));
        Assert.Equal(WorkState.Pending, (await ProcessStoryTests.StoryAsync(service, story)).Work);
    }

    [Fact]
    public async Task A_claim_stays_lost_when_its_attempt_was_given_back_and_comes_again()
    {
        await using var service = await Service.StartAsync(servers);
        await PostAsync(service);
        var claims = service.Worker.GetRequiredService<StoryClaims>();
        var late = await claims.TakeAsync(Lane.Photo, Cancel);
        service.Clock.Advance(StoryClaims.Lease + TimeSpan.FromSeconds(1));
        var second = await claims.TakeAsync(Lane.Photo, Cancel);
        Assert.True(await claims.StepBackAsync(second!, Cancel));
        Assert.False(await claims.ReturnAsync(second!, Cancel));
        Assert.False(await claims.RenewAsync(late!, Stage.Rendering, 50, Cancel));

        var third = await claims.TakeAsync(Lane.Photo, Cancel);
        Assert.Equal(second!.Attempt, third!.Attempt);
        Assert.False(await claims.FinishAsync(second, Cancel));
        Assert.False(await claims.ReleaseAsync(second, counts: true, Cancel));
        Assert.Equal(ClaimEnd.TakenOver, await claims.FindEndAsync(second, Cancel));
        Assert.True(await claims.FinishAsync(third, Cancel));
    }

    [Fact]
    public async Task Work_that_outlives_its_sealed_bucket_publishes_nothing_and_leaves_nothing()
    {
        await using var service = await Service.StartAsync(servers);
        var story = await PostAsync(service);
        await using var gate = await BucketGate.CloseAsync(service.Database, Cancel);
        var work = service.ProcessAsync(story, Cancel);
        await gate.WaitForSomebodyAsync(Cancel);

        await gate.ExecuteAsync("update buckets set state = 'Sealed'", Cancel);
        await gate.OpenAsync(Cancel);
        await work;

        var row = await ProcessStoryTests.StoryAsync(service, story);
        Assert.Equal((StoryState.ExpiredBeforeLive, WorkState.Done), (row.State, row.Work));
        Assert.Empty(await Remains.PublishedAsync(service));
        Assert.Empty(await Remains.RenditionsAsync(service));
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.True(Remains.IsScratchEmpty(service.Worker));
    }

    [Fact]
    public async Task Work_that_outlives_its_whole_bucket_makes_no_container_anew()
    {
        await using var service = await Service.StartAsync(servers);
        var story = await PostAsync(service);
        var claims = service.Worker.GetRequiredService<StoryClaims>();
        var claim = await claims.TakeAsync(Lane.Photo, Cancel);
        await service.LetEverythingEndAsync();

        var publisher = service.Worker.GetRequiredService<RevisionPublisher>();
        var file = Path.Combine(Directory.CreateTempSubdirectory("stories-late-").FullName, "photo.webp");
        await File.WriteAllBytesAsync(file, [1, 2, 3], Cancel);
        var manifest = StoriesJson.ReadCanonical<StoryManifest>(claim!.Manifest)!;
        await Assert.ThrowsAsync<ClaimLostException>(() => publisher.StoreAsync(
            claim, manifest, new RenderedFile("photo-540", file, "image/webp", null, 1, 1, null), RevisionPublisher.NewName(), 1, 0, Cancel));
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);

        Assert.Equal(ClaimEnd.TakenOver, await claims.FindEndAsync(claim, Cancel));
        var bucket = await service.ReadAsync(db => db.Buckets.SingleAsync(Cancel));
        Assert.Equal(BucketState.Erased, bucket.State);
        Assert.False(await service.Worker.GetRequiredService<Core.Blobs.BucketBlobs>().ContainerExistsAsync(bucket.Container, Cancel));
    }

    [Fact]
    public async Task A_graceful_stop_gives_the_attempt_back_and_leaves_the_input()
    {
        await using var service = await Service.StartAsync(servers);
        var story = await PostAsync(service);
        using var stop = new CancellationTokenSource();
        await using (var gate = await BucketGate.CloseAsync(service.Database, Cancel))
        {
            var work = service.ProcessAsync(story, stop.Token);
            await gate.WaitForSomebodyAsync(Cancel);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work);
        }

        var row = await ProcessStoryTests.StoryAsync(service, story);
        Assert.Equal((WorkState.Pending, 0, null, Stage.Waiting), (row.Work, row.Attempt, row.ClaimedUntil, row.Stage));
        Assert.Empty(await Remains.RenditionsAsync(service));
        Assert.Single(await Remains.IngestAsync(service));
        Assert.True(Remains.IsScratchEmpty(service.Worker));

        await service.ProcessAsync(story, Cancel);
        Assert.Equal(StoryState.Live, (await ProcessStoryTests.StoryAsync(service, story)).State);
    }

    [Fact]
    public async Task A_withdrawn_storys_work_ends_by_itself_and_leaves_nothing()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var story = (await alice.PostAsync([Samples.Photo], cancellationToken: Cancel)).Story;
        await using var gate = await BucketGate.CloseAsync(service.Database, Cancel);
        var work = service.ProcessAsync(story, Cancel);
        await gate.WaitForSomebodyAsync(Cancel);

        await alice.Client.WithdrawAsync(story, Cancel);
        // The gate stays closed: the claim's keeper ends the work.
        await work.WaitAsync(TimeSpan.FromSeconds(5), Cancel);

        Assert.Equal(StoryState.Withdrawn, (await ProcessStoryTests.StoryAsync(service, story)).State);
        Assert.Empty(await Remains.RenditionsAsync(service));
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.True(Remains.IsScratchEmpty(service.Worker));
    }

    [Fact]
    public async Task A_cut_connection_to_the_database_costs_neither_an_attempt_nor_the_story()
    {
        await using var service = await Service.StartAsync(servers);
        var story = await PostAsync(service);
        await using (var gate = await BucketGate.CloseAsync(service.Database, Cancel))
        {
            var work = service.ProcessAsync(story, Cancel);
            var backend = await gate.WaitForSomebodyAsync(Cancel);
            await gate.ExecuteAsync($"select pg_terminate_backend({backend})", Cancel);
            var failure = await Assert.ThrowsAsync<WorkFailedException>(() => work);
            Assert.Equal(ProblemCodes.MediaFailed, failure.Message);
        }
        Assert.Empty(await Remains.RenditionsAsync(service));

        service.Clock.Advance(StoryClaims.Rest);
        await service.ProcessAsync(story, Cancel);
        var row = await ProcessStoryTests.StoryAsync(service, story);
        Assert.Equal((StoryState.Live, 1), (row.State, row.Attempt));
        await AssertOnlyPublishedAsync(service);
    }

    [Fact]
    public async Task Blobs_of_a_commit_whose_answer_was_lost_are_kept_when_it_did_commit()
    {
        await using var service = await Service.StartAsync(servers);
        var story = await PostAsync(service);
        var claims = service.Worker.GetRequiredService<StoryClaims>();
        await service.ProcessAsync(story, Cancel);
        var published = await Remains.PublishedAsync(service);
        var orphan = RevisionPublisher.NewName();
        var bucket = await service.ReadAsync(db => db.Buckets.SingleAsync(Cancel));
        using (var content = new MemoryStream([1]))
            await service.Worker.GetRequiredService<Core.Blobs.BucketBlobs>().WriteAsync(bucket.Container, orphan, content, "application/octet-stream", Cancel);
        await service.ReadAsync(db => db.Stories.ExecuteUpdateAsync(set => set.SetProperty(s => s.Work, WorkState.Pending), Cancel));
        var claim = await claims.TakeAsync(Lane.Photo, Cancel);

        await service.Worker.GetRequiredService<RevisionPublisher>().DiscardUnpublishedAsync(claim!, [.. published, orphan]);

        Assert.Equal(published.Order(StringComparer.Ordinal), await Remains.RenditionsAsync(service));
    }

    private static async Task<Guid> PostAsync(Service service) => (await service.User("alice").PostAsync([Samples.Photo], cancellationToken: Cancel)).Story;

    private static async Task AssertOnlyPublishedAsync(Service service)
    {
        Assert.Equal((await Remains.PublishedAsync(service)).Order(StringComparer.Ordinal), await Remains.RenditionsAsync(service));
        Assert.Empty(await Remains.IngestAsync(service));
    }
}
