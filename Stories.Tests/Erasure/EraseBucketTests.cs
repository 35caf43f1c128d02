using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Blobs;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;
using Stories.Worker.Erasure;

namespace Stories.Tests.Erasure;

public sealed class EraseBucketTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Steps => ["nothing", "seal", "rows", "key", "container", "all"];

    [Theory]
    [MemberData(nameof(Steps))]
    public async Task Erasure_cut_off_after_any_step_is_finished_by_the_next_sweep_with_the_right_record(string step)
    {
        await using var service = await Service.StartAsync(servers);
        var (bucket, bytes) = await FillAsync(service);
        await using (var scope = service.Worker.CreateAsyncScope())
        {
            var erase = (EraseBucket)scope.ServiceProvider.GetRequiredService<IEraseBucket>();
            if (step != "nothing") await erase.SealAsync(bucket.Id, service.Clock.GetUtcNow(), Cancel);
            if (step is "rows" or "key" or "container" or "all") await erase.DeleteRowsAsync(bucket.Id, Cancel);
            if (step == "key") await scope.ServiceProvider.GetRequiredService<BucketBlobs>().DeleteBlobAsync(bucket.Container, BlobNames.BucketKey, Cancel);
            if (step is "container" or "all") await erase.DeleteBytesAsync(bucket.Container, Cancel);
            if (step == "all") await erase.RunAsync(bucket.Id, Cancel);
        }

        await service.SweepAsync();

        await AssertErasedAsync(service, bucket, stories: 3, blobs: 4, bytes);
    }

    [Fact]
    public async Task Two_at_once_do_no_harm()
    {
        await using var service = await Service.StartAsync(servers);
        var (bucket, bytes) = await FillAsync(service);
        var second = service.StartWorker();

        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => EraseAsync(i % 2 == 0 ? service.Worker : second, bucket.Id)));
        await EraseAsync(service.Worker, bucket.Id);

        await AssertErasedAsync(service, bucket, stories: 3, blobs: 4, bytes);
    }

    [Fact]
    public async Task Upload_rows_stay_for_the_quota_and_say_nothing_of_the_story()
    {
        await using var service = await Service.StartAsync(servers);
        var (bucket, _) = await FillAsync(service);

        await EraseAsync(service.Worker, bucket.Id);

        var uploads = await service.ReadAsync(db => db.Uploads.AsNoTracking().ToListAsync(Cancel));
        Assert.Equal(3, uploads.Count);
        Assert.All(uploads, upload => Assert.Equal((null, true), (upload.StoryId, upload.BytesGoneAt is not null)));
    }

    [Fact]
    public async Task A_publication_that_is_in_the_middle_of_committing_is_waited_for_and_counted()
    {
        await using var service = await Service.StartAsync(servers);
        var (bucket, bytes) = await FillAsync(service);
        var story = await service.ReadAsync(db => db.Stories.Select(s => s.Id).FirstAsync(Cancel));
        // A publisher's transaction: its share of the bucket's row, then its renditions.
        await using var publication = await BucketGate.BeginAsync(service.Database, Cancel);
        await publication.ExecuteAsync("select 1 from buckets where state = 'Open' for share", Cancel);
        var erasing = EraseAsync(service.Worker, bucket.Id);
        await publication.WaitForSomebodyAsync(Cancel);
        await publication.ExecuteAsync($"insert into renditions (story_id, part, bucket_id, revision, blob_name, length) values ('{story}', 99, '{bucket.Id}', 9, 'late', 1000)", Cancel);
        await publication.OpenAsync(Cancel);
        await erasing;

        await AssertErasedAsync(service, bucket, stories: 3, blobs: 5, bytes + 1000);
    }

    private static async Task EraseAsync(IServiceProvider worker, Guid bucket)
    {
        await using var scope = worker.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<IEraseBucket>().RunAsync(bucket, Cancel);
    }

    /// <summary>Two live stories and one that still waits, at the end of their bucket.</summary>
    private static async Task<(Bucket Bucket, long Bytes)> FillAsync(Service service)
    {
        var alice = service.User("alice");
        for (var i = 0; i < 3; i++)
        {
            // One width before its end, so that all fall into one bucket.
            var end = Bucket.EndFor(service.Clock.GetUtcNow(), TimeSpan.FromMinutes(1));
            if (i == 0) service.Clock.MoveTo(end + TimeSpan.FromSeconds(5));
            var story = (await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(10), cancellationToken: Cancel)).Story;
            if (i < 2) await service.ProcessAsync(story, Cancel);
        }
        var bucket = await service.ReadAsync(db => db.Buckets.AsNoTracking().SingleAsync(Cancel));
        service.Clock.MoveTo(bucket.EndsAt);
        return (bucket, await service.ReadAsync(db => db.Renditions.SumAsync(r => r.Length, Cancel)));
    }

    private static async Task AssertErasedAsync(Service service, Bucket bucket, int stories, int blobs, long bytes)
    {
        var record = await service.ReadAsync(db => db.Buckets.AsNoTracking().SingleAsync(b => b.Id == bucket.Id, Cancel));
        Assert.Equal((BucketState.Erased, stories, blobs, bytes), (record.State, record.Stories, record.Blobs, record.Bytes));
        Assert.NotNull(record.SealedAt);
        Assert.True(record.ErasedAt >= record.SealedAt);
        Assert.Equal((0, 0), await service.ReadAsync(async db => (await db.Stories.CountAsync(Cancel), await db.Renditions.CountAsync(Cancel))));
        Assert.False(await service.Worker.GetRequiredService<BucketBlobs>().ContainerExistsAsync(bucket.Container, Cancel));
        Assert.Empty(await Remains.IngestAsync(service));
    }
}
