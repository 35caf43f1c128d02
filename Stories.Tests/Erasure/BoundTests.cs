using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Blobs;
using Stories.Core.Erasure;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;

namespace Stories.Tests.Erasure;

/// <summary>How long after their end buckets are gone, with a real worker: rows, containers, keys, uploads and leaves.</summary>
public sealed class BoundTests(LocalServers servers)
{
    private const int Buckets = 5;

    /// <summary>After a bucket's end; a story ends at most a width before its bucket.</summary>
    private static readonly TimeSpan Promise = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_a_worker_sweeps_as_often_as_it_does_by_itself_everything_is_gone_a_minute_after_its_buckets_end()
    {
        await using var service = await Service.StartAsync(servers);
        await using var worker = service.StartProcess("Worker", ("Buckets__SweepEvery", "00:00:15"));
        await worker.WaitUntilReadyAsync(Cancel);
        var containers = await PostAsync(service);

        await service.EndBucketsAsync(Cancel, at: TimeSpan.FromSeconds(1), apart: TimeSpan.FromSeconds(1));

        // When the last one's time is over it is looked, whatever has become of them: who is late is told by the look, not by a wait that gave up.
        var over = await service.ReadAsync(db => db.Buckets.MaxAsync(b => b.EndsAt, Cancel)) + Promise;
        await service.UntilAsync(async db => await AreErasedAsync(db) || service.Clock.GetUtcNow() > over);
        await AssertGoneAsync(service, containers);
        Assert.All(await service.ReadAsync(db => db.Buckets.ToListAsync(Cancel)), bucket => Assert.InRange(bucket.ErasedAt!.Value - bucket.EndsAt, TimeSpan.Zero, Promise));
    }

    [Fact]
    public async Task After_three_hours_without_a_worker_the_first_sweep_of_the_next_one_ends_all_that_fell_due()
    {
        await using var service = await Service.StartAsync(servers);
        var containers = await PostAsync(service);
        await service.EndBucketsAsync(Cancel, at: TimeSpan.FromMinutes(-200), apart: TimeSpan.FromMinutes(40));
        // One sweep and no more: Hangfire's do not come, and the timer's next one would come after a minute.
        await SchedulerLocks.HoldAsync(service, Cancel);

        await using var worker = service.StartProcess("Worker", ("Buckets__SweepEvery", "00:01:00"));
        await worker.WaitUntilReadyAsync(Cancel);

        await service.UntilAsync(AreErasedAsync);
        Assert.InRange(await service.ReadAsync(async db => (await db.Buckets.MaxAsync(b => b.ErasedAt, Cancel) - await db.Buckets.MinAsync(b => b.SealedAt, Cancel))!.Value), TimeSpan.Zero, TimeSpan.FromSeconds(50));
        await AssertGoneAsync(service, containers);
    }

    /// <summary>Each into a bucket of its own; the last ones wait to be processed for as long as no other worker runs.</summary>
    /// <returns>Their containers.</returns>
    private static async Task<List<string>> PostAsync(Service service)
    {
        var alice = service.User("alice");
        for (var i = 0; i < Buckets; i++)
        {
            var posted = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(10 + 2 * i), cancellationToken: Cancel);
            if (i < 2) await service.ProcessAsync(posted.Story, Cancel);
        }
        var containers = await service.ReadAsync(db => db.Buckets.Select(b => b.Container).ToListAsync(Cancel));
        Assert.Equal(Buckets, containers.Count);
        // The look below would find them.
        Assert.All(await ExistAsync(service, containers), place => Assert.Equal((true, true), place));
        return containers;
    }

    private static async Task<bool> AreErasedAsync(Core.Data.StoriesDb db) => await db.Buckets.AllAsync(b => b.State == BucketState.Erased, Cancel);

    private static async Task AssertGoneAsync(Service service, List<string> containers)
    {
        Assert.All(await service.ReadAsync(db => db.Buckets.Select(b => b.State).ToListAsync(Cancel)), state => Assert.Equal(BucketState.Erased, state));
        var rows = await Tables.AllRowsAsync(service.Database, Cancel);
        Assert.All((string[])["stories", "renditions", "seen", "erasure_leaves"], table => Assert.Empty(rows[table]));
        Assert.Equal(Buckets, rows["erasure_records"].Count);
        Assert.All(await ExistAsync(service, containers), place => Assert.Equal((false, false), place));
        Assert.Empty(await Remains.IngestAsync(service));
    }

    private static async Task<List<(bool Container, bool Key)>> ExistAsync(Service service, List<string> containers)
    {
        var (blobs, found) = (service.Worker.GetRequiredService<BucketBlobs>(), new List<(bool, bool)>());
        foreach (var container in containers) found.Add((await blobs.ContainerExistsAsync(container, Cancel), await blobs.ReadKeyAsync(container, Cancel) is not null));
        return found;
    }
}
