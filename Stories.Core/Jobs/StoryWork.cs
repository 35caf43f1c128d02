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

    /// <summary>One more turn on a lane: as many as stories wait there, whosever they will be.</summary>
    /// <returns>False when the queue could not be reached; the sweep will find the story.</returns>
    public Task<bool> EnqueueTurnAsync(Lane lane, CancellationToken cancellationToken) => OnThreadOfItsOwnAsync(() =>
    {
        try
        {
            _ = lane == Lane.Video
                ? jobs.Enqueue<IProcessVideoStory>(job => job.RunAsync(CancellationToken.None))
                : jobs.Enqueue<IProcessPhotoStory>(job => job.RunAsync(CancellationToken.None));
            return true;
        }
        catch (BackgroundJobClientException)
        {
            log.LogWarning("A turn on lane {Lane} could not be queued; the sweep will.", lane);
            return false;
        }
    }, cancellationToken);

    /// <summary>For the dashboard's timeline; the sweep erases due buckets with or without it.</summary>
    public Task ScheduleErasureAsync(Bucket bucket, CancellationToken cancellationToken) => OnThreadOfItsOwnAsync(() =>
    {
        try
        {
            jobs.Schedule<IEraseBucket>(job => job.RunAsync(bucket.Id, CancellationToken.None), bucket.EndsAt);
            return true;
        }
        catch (BackgroundJobClientException)
        {
            log.LogWarning("The end of bucket {BucketId} could not be scheduled; the sweep will erase it.", bucket.Id);
            return false;
        }
    }, cancellationToken);

    public void Dispose() => places.Dispose();

    private async Task<bool> OnThreadOfItsOwnAsync(Func<bool> work, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        try
        {
            return await Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            places.Release();
        }
    }
}
