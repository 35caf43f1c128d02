using Hangfire;
using Microsoft.Extensions.Logging;
using Stories.Core.Erasure;
using Stories.Protocol;

namespace Stories.Core.Jobs;

/// <summary>
/// Puts work on the workers' queues. A job that is lost is picked up by the sweep: the rows say what is to be done. Hangfire blocks
/// a thread until its database has answered, so it gets threads of its own, a few at a time: a hundred stories published at once
/// would else take every thread of the pool, and whoever asks for anything meanwhile would wait for seconds.
/// </summary>
public sealed class StoryWork(IBackgroundJobClient jobs, ILogger<StoryWork> log) : IDisposable
{
    public const int MostAtOnce = 4;

    private readonly SemaphoreSlim places = new(MostAtOnce);

    /// <summary>One more turn on a lane: as many as stories wait there, whosever they will be. Not given up when who posted one hangs up.</summary>
    /// <returns>False when the queue could not be reached; the sweep will find the story.</returns>
    public Task<bool> EnqueueTurnAsync(Lane lane) => QueueAsync(
        () => _ = lane == Lane.Video
            ? jobs.Enqueue<IProcessVideoStory>(job => job.RunAsync(CancellationToken.None))
            : jobs.Enqueue<IProcessPhotoStory>(job => job.RunAsync(CancellationToken.None)),
        () => log.LogWarning("A turn on lane {Lane} could not be queued; the sweep will.", lane));

    /// <summary>For the dashboard's timeline; the sweep erases due buckets with or without it.</summary>
    public Task ScheduleErasureAsync(Bucket bucket) => QueueAsync(
        () => jobs.Schedule<IEraseBucket>(job => job.RunAsync(bucket.Id, CancellationToken.None), bucket.EndsAt),
        () => log.LogWarning("The end of bucket {BucketId} could not be scheduled; the sweep will erase it.", bucket.Id));

    public void Dispose() => places.Dispose();

    private async Task<bool> QueueAsync(Action queue, Action tell)
    {
        await places.WaitAsync(CancellationToken.None);
        try
        {
            await Task.Factory.StartNew(queue, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return true;
        }
        catch (BackgroundJobClientException)
        {
            tell();
            return false;
        }
        finally
        {
            places.Release();
        }
    }
}
