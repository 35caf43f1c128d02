using Microsoft.EntityFrameworkCore;
using Stories.Core.Erasure;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>How long after their end buckets are gone, with a real worker and its own rhythm.</summary>
public sealed class BoundTests(LocalServers servers)
{
    private const int Buckets = 5;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_a_worker_runs_everything_is_gone_within_the_width_and_a_minute()
    {
        await using var service = await Service.StartAsync(servers);
        await using var worker = service.StartProcess("Worker");
        await worker.WaitUntilReadyAsync(Cancel);
        await PostAsync(service);

        // Their ends come one after the other, a second apart.
        await EndAsync(service, TimeSpan.FromSeconds(1));

        await ErasedAsync(service);
        Assert.All(await service.ReadAsync(db => db.Buckets.ToListAsync(Cancel)), bucket => Assert.InRange(bucket.ErasedAt!.Value - bucket.EndsAt, TimeSpan.Zero, TimeSpan.FromMinutes(2)));
    }

    [Fact]
    public async Task After_three_hours_without_a_worker_the_first_sweep_of_the_next_one_ends_all_that_fell_due()
    {
        await using var service = await Service.StartAsync(servers);
        await PostAsync(service);
        await EndAsync(service, TimeSpan.FromMinutes(-40));

        // One sweep and no more: the next would come after a minute.
        await using var worker = service.StartProcess("Worker", ("Buckets__SweepEvery", "00:01:00"));
        await worker.WaitUntilReadyAsync(Cancel);

        await ErasedAsync(service);
        Assert.InRange(await service.ReadAsync(async db => (await db.Buckets.MaxAsync(b => b.ErasedAt, Cancel) - await db.Buckets.MinAsync(b => b.SealedAt, Cancel))!.Value), TimeSpan.Zero, TimeSpan.FromSeconds(50));
    }

    private static async Task PostAsync(Service service)
    {
        var alice = service.User("alice");
        for (var i = 0; i < Buckets; i++)
        {
            var posted = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(10 + 2 * i), cancellationToken: Cancel);
            if (i < 2) await service.ProcessAsync(posted.Story, Cancel);
        }
    }

    private static Task EndAsync(Service service, TimeSpan apart) => service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
        update buckets b set ends_at = clock_timestamp() + n * {apart} from (select id, row_number() over (order by ends_at) as n from buckets) o where o.id = b.id;
        update stories s set expires_at = b.ends_at from buckets b where b.id = s.bucket_id
        """, Cancel));

    private static Task ErasedAsync(Service service) => service.UntilAsync(async db =>
        await db.Buckets.CountAsync(b => b.State == BucketState.Erased, Cancel) == Buckets && !await db.Stories.AnyAsync(Cancel) && !await db.Renditions.AnyAsync(Cancel));
}
