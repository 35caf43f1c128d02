using Azure.Storage.Blobs;
using Hangfire;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Blobs;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Core.Uploads;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;

namespace Stories.Tests.Erasure;

public sealed class SweepTests(LocalServers servers)
{
    private static readonly byte[] Anything = new byte[1000];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_sweep_clears_all_that_fell_due_while_no_worker_ran()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        for (var minutes = 1; minutes <= 3; minutes++) await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(minutes * 10), cancellationToken: Cancel);
        service.Clock.Advance(TimeSpan.FromHours(3));

        await service.SweepAsync();

        var buckets = await service.ReadAsync(db => db.Buckets.AsNoTracking().ToListAsync(Cancel));
        Assert.Equal(3, buckets.Count);
        Assert.All(buckets, bucket => Assert.Equal(BucketState.Erased, bucket.State));
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Equal(0, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Two_sweeps_at_once_do_no_harm()
    {
        await using var service = await Service.StartAsync(servers);
        await service.User("alice").PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(1), cancellationToken: Cancel);
        service.Clock.Advance(TimeSpan.FromHours(1));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => service.SweepAsync()));

        Assert.Equal(BucketState.Erased, await service.ReadAsync(db => db.Buckets.Select(b => b.State).SingleAsync(Cancel)));
        Assert.DoesNotContain(service.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_upload_that_expires_goes_with_the_blocks_that_were_never_committed()
    {
        await using var service = await Service.StartAsync(servers);
        var key = (await Tus.KeyAsync(service)).Id;
        using var http = service.Http("alice");
        await Tus.UploadAsync(http, key, Anything);
        using (var half = await Tus.PatchAsync(http, await Tus.BeginAsync(http, key, Anything.Length), 0, Anything[..500])) Assert.True(half.IsSuccessStatusCode);
        Assert.Equal(2, (await Remains.IngestAsync(service)).Count);

        service.Clock.Advance(TimeSpan.FromHours(24));
        await service.SweepAsync();

        Assert.Equal(0, await service.ReadAsync(db => db.Uploads.CountAsync(Cancel)));
        Assert.Equal(0, await service.ReadAsync(db => db.UploadBlocks.CountAsync(Cancel)));
        Assert.Empty(await Remains.IngestAsync(service));
    }

    [Fact]
    public async Task Deleting_bytes_that_are_gone_leaves_nothing_in_their_place()
    {
        await using var service = await Service.StartAsync(servers);

        await service.Worker.GetRequiredService<IngestBlobs>().DeleteAsync(BlobNames.NewBlob(), Cancel);

        Assert.Empty(await Remains.IngestAsync(service));
    }

    [Fact]
    public async Task An_upload_that_a_waiting_story_owns_outlives_its_own_day()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var story = (await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromHours(48), cancellationToken: Cancel)).Story;

        service.Clock.Advance(TimeSpan.FromHours(25));
        await service.SweepAsync();
        Assert.Single(await Remains.IngestAsync(service));
        await service.ProcessAsync(story, Cancel);

        Assert.Equal(StoryState.Live, (await ProcessStoryTests.StoryAsync(service, story)).State);
        await service.SweepAsync();
        Assert.Equal(0, await service.ReadAsync(db => db.Uploads.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Input_that_a_killed_worker_did_not_get_to_delete_is_deleted()
    {
        await using var service = await Service.StartAsync(servers);
        await service.User("alice").PostAsync([Samples.Photo], cancellationToken: Cancel);
        await service.ReadAsync(db => db.Stories.ExecuteUpdateAsync(set => set.SetProperty(s => s.Work, WorkState.Done), Cancel));

        await service.SweepAsync();

        Assert.Empty(await Remains.IngestAsync(service));
        Assert.NotNull(await service.ReadAsync(db => db.Uploads.Select(u => u.BytesGoneAt).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task Bytes_that_were_acknowledged_and_not_committed_are_committed()
    {
        await using var service = await Service.StartAsync(servers);
        using var http = service.Http("alice");
        using (var half = await Tus.PatchAsync(http, await Tus.BeginAsync(http, (await Tus.KeyAsync(service)).Id, Anything.Length), 0, Anything[..500])) Assert.True(half.IsSuccessStatusCode);
        // As a process leaves it that dies between the last acknowledged byte and the commit.
        await service.ReadAsync(db => db.Uploads.ExecuteUpdateAsync(set => set.SetProperty(u => u.State, UploadState.Received).SetProperty(u => u.Length, u => u.Offset), Cancel));

        await service.SweepAsync();

        var upload = await service.ReadAsync(db => db.Uploads.AsNoTracking().SingleAsync(Cancel));
        Assert.Equal(UploadState.Committed, upload.State);
        var ingest = service.Worker.GetRequiredService<BlobServiceClient>().GetBlobContainerClient(BlobNames.Ingest(service.Settings["Blobs:Deployment"]!));
        Assert.Equal(500, (await ingest.GetBlobClient(upload.BlobName).GetPropertiesAsync(cancellationToken: Cancel)).Value.ContentLength);
    }

    [Fact]
    public async Task Lost_work_is_queued_again_once_until_it_is_lost_again()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.Photo], cancellationToken: Cancel)).Story;
        Assert.Equal(1, Queued(service));

        // The Api queues right after it accepts.
        await LoseTurnsAsync(service);
        await service.SweepAsync();
        Assert.Equal(0, Queued(service));

        // Never queued, because the Api died after it accepted; or passed over.
        service.Clock.Advance(TimeSpan.FromSeconds(11));
        await SweepTwiceAsync();
        Assert.Equal(1, Queued(service));

        // Its worker died.
        await LoseTurnsAsync(service);
        var now = service.Clock.GetUtcNow();
        await service.ReadAsync(db => db.Stories.ExecuteUpdateAsync(set => set.SetProperty(s => s.ClaimedUntil, now + TimeSpan.FromSeconds(30)).SetProperty(s => s.Attempt, 1), Cancel));
        await service.SweepAsync();
        Assert.Equal(0, Queued(service));
        service.Clock.Advance(TimeSpan.FromSeconds(31));
        await SweepTwiceAsync();
        Assert.Equal(1, Queued(service));

        // Done.
        await LoseTurnsAsync(service);
        await service.ProcessAsync(story, Cancel);
        service.Clock.Advance(TimeSpan.FromHours(1));
        await SweepTwiceAsync();
        Assert.Equal(0, Queued(service));

        async Task SweepTwiceAsync()
        {
            await service.SweepAsync();
            await service.SweepAsync();
        }
    }

    [Fact]
    public async Task However_long_stories_wait_there_are_no_more_turns_than_stories()
    {
        await using var service = await Service.StartAsync(servers);
        for (var story = 0; story < 3; story++) await service.User($"user-{story}").PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel);
        for (var hour = 0; hour < 3; hour++)
        {
            service.Clock.Advance(TimeSpan.FromHours(1));
            await service.SweepAsync();
            Assert.Equal(3, Queued(service));
        }
    }

    [Fact]
    public async Task Erasure_does_not_wait_for_a_broken_key_folder()
    {
        await using var service = await Service.StartAsync(servers);
        await service.User("alice").PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(1), cancellationToken: Cancel);
        service.Clock.Advance(TimeSpan.FromHours(7));
        Directory.Delete(service.KeyFolder, recursive: true);

        await service.SweepAsync();

        Assert.Equal(BucketState.Erased, await service.ReadAsync(db => db.Buckets.Select(b => b.State).SingleAsync(Cancel)));
        Assert.Contains(service.Log.Lines, line => line.Contains("could not turn the key ring: DirectoryNotFoundException", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_bucket_that_storage_holds_on_to_does_not_keep_the_others_and_has_lost_its_key()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(10), cancellationToken: Cancel);
        await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(20), cancellationToken: Cancel);
        var held = await service.ReadAsync(db => db.Buckets.AsNoTracking().OrderBy(b => b.EndsAt).FirstAsync(Cancel));
        var container = service.Worker.GetRequiredService<BlobServiceClient>().GetBlobContainerClient(held.Container);
        var lease = new Azure.Storage.Blobs.Specialized.BlobLeaseClient(container);
        await lease.AcquireAsync(TimeSpan.FromSeconds(-1), cancellationToken: Cancel);
        service.Clock.Advance(TimeSpan.FromHours(1));

        await service.SweepAsync();

        Assert.Equal([BucketState.Sealed, BucketState.Erased], await service.ReadAsync(db => db.Buckets.OrderBy(b => b.EndsAt).Select(b => b.State).ToListAsync(Cancel)));
        Assert.Equal(0, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
        Assert.Null(await service.Worker.GetRequiredService<BucketBlobs>().ReadKeyAsync(held.Container, Cancel));
        Assert.Contains(service.Log.Lines, line => line.Contains($"could not be erased, {held.Id} among them: RequestFailedException 412", StringComparison.Ordinal));

        await lease.BreakAsync(TimeSpan.Zero, cancellationToken: Cancel);
        await service.SweepAsync();
        Assert.Equal(BucketState.Erased, await service.ReadAsync(db => db.Buckets.Where(b => b.Id == held.Id).Select(b => b.State).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task Records_of_what_was_erased_are_kept_for_their_time()
    {
        await using var service = await Service.StartAsync(servers);
        await service.User("alice").PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(1), cancellationToken: Cancel);
        await service.LetEverythingEndAsync();

        service.Clock.Advance(TimeSpan.FromDays(89));
        await service.SweepAsync();
        Assert.Equal(1, await service.ReadAsync(db => db.Buckets.CountAsync(Cancel)));
        service.Clock.Advance(TimeSpan.FromDays(2));
        await service.SweepAsync();
        Assert.Equal(0, await service.ReadAsync(db => db.Buckets.CountAsync(Cancel)));
    }

    private static long Queued(Service service) => service.Worker.GetRequiredService<JobStorage>().GetMonitoringApi().EnqueuedCount(Queues.Photo);

    /// <summary>As when a worker dies that has begun them, and Hangfire's time for finding that is not over.</summary>
    private static Task LoseTurnsAsync(Service service) => service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("delete from hangfire.jobqueue", Cancel));
}
