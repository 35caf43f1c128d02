using Hangfire;
using Microsoft.Extensions.Logging;
using Stories.Core.Erasure;
using Stories.Protocol;

namespace Stories.Core.Jobs;

/// <summary>Puts work on the workers' queues. A job that is lost is picked up by the sweep: the rows say what is to be done.</summary>
public sealed class StoryWork(IBackgroundJobClient jobs, ILogger<StoryWork> log)
{
    /// <returns>False when the queue could not be reached; the sweep will find the story.</returns>
    public bool Enqueue(Lane lane, Guid workId)
    {
        try
        {
            _ = lane == Lane.Video
                ? jobs.Enqueue<IProcessVideoStory>(job => job.RunAsync(workId, CancellationToken.None))
                : jobs.Enqueue<IProcessPhotoStory>(job => job.RunAsync(workId, CancellationToken.None));
            return true;
        }
        catch (BackgroundJobClientException)
        {
            log.LogWarning("Work {WorkId} could not be queued; the sweep will.", workId);
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
