using Hangfire;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>Hangfire's scheduler behind locks of a process that was killed while it held them: rows that nobody frees for a minute.</summary>
public sealed class StuckSchedulerTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Erasing_and_processing_do_not_wait_for_locks_that_a_dead_process_holds()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var ending = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        await service.ProcessAsync(ending.Story, Cancel);
        // As if held by somebody who died this moment, and once more whenever it runs out, so that it is the whole test long.
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync(
            """
            insert into hangfire.lock (resource, acquired) values ('hangfire:locks:schedulepoller', clock_timestamp() + interval '1 hour'), ('hangfire:recurring-jobs:lock', clock_timestamp() + interval '1 hour');
            update buckets set ends_at = clock_timestamp(); update stories set expires_at = clock_timestamp()
            """, Cancel));
        var scheduled = service.Worker.GetRequiredService<IBackgroundJobClient>().Schedule<ISweep>(sweep => sweep.RunAsync(CancellationToken.None), TimeSpan.Zero);
        var waiting = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);

        await using var worker = service.StartProcess("Worker");
        await service.UntilAsync(async db => await db.Buckets.AnyAsync(b => b.State == BucketState.Erased, Cancel) && await db.Stories.AllAsync(s => s.Work == WorkState.Done, Cancel));

        Assert.Equal(StoryState.Live, (await alice.Client.WatchProgressAsync(waiting.Story, Cancel)).State);
        // The lock did what it was to show: what was scheduled for long ago has not come.
        await using var connection = new NpgsqlConnection(service.Database);
        await connection.OpenAsync(Cancel);
        await using var state = new NpgsqlCommand($"select statename from hangfire.job where id = {scheduled}", connection);
        Assert.Equal("Scheduled", await state.ExecuteScalarAsync(Cancel));
    }
}
