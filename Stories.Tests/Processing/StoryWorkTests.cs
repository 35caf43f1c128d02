using Hangfire;
using Hangfire.Common;
using Hangfire.States;
using Microsoft.Extensions.Logging.Abstractions;
using Stories.Core.Jobs;
using Stories.Protocol;

namespace Stories.Tests.Processing;

/// <summary>Hangfire blocks a thread until its database has answered: many stories at once must not hold those that answer everybody else.</summary>
public sealed class StoryWorkTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hundred_turns_at_once_are_queued_a_few_at_a_time_and_on_no_thread_of_the_pool()
    {
        using var jobs = new BlockedJobs();
        using var work = new StoryWork(jobs, NullLogger<StoryWork>.Instance);

        var turns = Enumerable.Range(0, 100).Select(_ => work.EnqueueTurnAsync(Lane.Photo)).ToList();
        for (var blocked = 0; blocked < StoryWork.MostAtOnce; blocked++) await jobs.Begun.WaitAsync(Cancel);
        Assert.Equal(StoryWork.MostAtOnce, jobs.Queued);
        jobs.Answer.Set();

        Assert.All(await Task.WhenAll(turns), Assert.True);
        Assert.Equal(100, jobs.Queued);
        Assert.False(jobs.HeldThePool);
    }

    /// <summary>A database that does not answer for a while.</summary>
    private sealed class BlockedJobs : IBackgroundJobClient, IDisposable
    {
        private int queued;

        public ManualResetEventSlim Answer { get; } = new();
        public SemaphoreSlim Begun { get; } = new(0);
        public int Queued => queued;
        public bool HeldThePool { get; private set; }

        public string Create(Job job, IState state)
        {
            if (Thread.CurrentThread.IsThreadPoolThread) HeldThePool = true;
            var id = Interlocked.Increment(ref queued);
            Begun.Release();
            Answer.Wait(Cancel);
            return $"{id}";
        }

        public bool ChangeState(string jobId, IState state, string expectedState) => throw new NotSupportedException();

        public void Dispose()
        {
            Answer.Dispose();
            Begun.Dispose();
        }
    }
}
