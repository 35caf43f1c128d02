using Hangfire;

namespace Stories.Core.Jobs;

// Hangfire reads queue and retry attributes from the type named in the enqueue, and does not inherit them from a base
// interface: each address carries its own. The only argument is an opaque id; a renamed type or method would strand
// jobs that are already queued.

public interface IProcessPhotoStory
{
    [Queue(Queues.Photo)]
    [AutomaticRetry(Attempts = 3, DelaysInSeconds = new[] { 2, 5, 10 }, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
    [JobDisplayName("Make a photo story's renditions (work {0})")]
    Task RunAsync(Guid workId, CancellationToken cancellationToken);
}

public interface IProcessVideoStory
{
    [Queue(Queues.Video)]
    [AutomaticRetry(Attempts = 3, DelaysInSeconds = new[] { 2, 5, 10 }, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
    [JobDisplayName("Make a video story's renditions (work {0})")]
    Task RunAsync(Guid workId, CancellationToken cancellationToken);
}

public interface IEraseBucket
{
    [Queue(Queues.Erase)]
    [AutomaticRetry(Attempts = 3, DelaysInSeconds = new[] { 2, 5, 10 }, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
    [JobDisplayName("Erase everything in bucket {0}")]
    Task RunAsync(Guid bucketId, CancellationToken cancellationToken);
}

public interface ISweep
{
    [Queue(Queues.Erase)]
    [AutomaticRetry(Attempts = 0, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
    [JobDisplayName("Sweep: erase due buckets and dead uploads, pick up lost work")]
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>One queue, one server, threads of its own for each: queues within one server are served alphabetically.</summary>
public static class Queues
{
    public const string Erase = "erase";
    public const string Photo = "photo";
    public const string Video = "video";
}
