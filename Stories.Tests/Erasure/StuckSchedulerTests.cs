using Hangfire;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>Hangfire's scheduler behind locks of a process that was killed while it held them: rows that nobody frees.</summary>
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
        await SchedulerLocks.HoldAsync(service, Cancel);
        await service.EndBucketsAsync(Cancel);
        var scheduled = service.Worker.GetRequiredService<IBackgroundJobClient>().Schedule<ISweep>(sweep => sweep.RunAsync(CancellationToken.None), TimeSpan.Zero);
        var waiting = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);

        await using var worker = service.StartProcess("Worker");
        await service.UntilAsync(async db => await db.Buckets.AnyAsync(b => b.State == BucketState.Erased, Cancel) && await db.Stories.AllAsync(s => s.Work == WorkState.Done, Cancel));

        Assert.Equal(StoryState.Live, (await alice.Client.WatchProgressAsync(waiting.Story, Cancel)).State);
        // The locks did what they were to show: what was scheduled for long ago has not come. Once nobody holds them it does.
        Assert.Equal(["Scheduled"], await StateAsync());
        await SchedulerLocks.FreeAsync(service, Cancel);
        await service.UntilAsync(async _ => await StateAsync() is ["Succeeded"]);

        Task<List<string>> StateAsync() => Tables.ReadAsync(service.Database, $"select statename from hangfire.job where id = {scheduled}", Cancel);
    }
}
