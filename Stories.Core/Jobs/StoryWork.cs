using Hangfire;
using Microsoft.Extensions.Logging;
using Stories.Core.Erasure;
using Stories.Protocol;

namespace Stories.Core.Jobs;

/// <summary>Puts work on the workers' queues. A job that is lost is picked up by the sweep: the rows say what is to be done.</summary>
public sealed class StoryWork(IBackgroundJobClient jobs, ILogger<StoryWork> log)
{
    /// <summary>One more turn on a lane: as many as stories wait there, whosever they will be.</summary>
    /// <returns>False when the queue could not be reached; the sweep will find the story.</returns>
    public bool EnqueueTurn(Lane lane)
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
    }

    /// <summary>For the dashboard's timeline; the sweep erases due buckets with or without it.</summary>
    public void ScheduleErasure(Bucket bucket)
    {
        try
        {
            jobs.Schedule<IEraseBucket>(job => job.RunAsync(bucket.Id, CancellationToken.None), bucket.EndsAt);
        }
        catch (BackgroundJobClientException)
        {
            log.LogWarning("The end of bucket {BucketId} could not be scheduled; the sweep will erase it.", bucket.Id);
        }
    }
}
