using Hangfire;

namespace Stories.Core.Jobs;

// Hangfire reads queue and retry attributes from the type named in the enqueue, and does not inherit them from a base
// interface: each address carries its own. At most an opaque id is an argument; a renamed type or method would strand
// jobs that are already queued.

/// <summary>A turn on the photo lane: whose story it goes to is decided when it comes.</summary>
public interface IProcessPhotoStory
{
    // A story rests for StoryClaims.Rest before its next attempt: its turn comes again after that.
    [Queue(Queues.Photo)]
    [AutomaticRetry(Attempts = 3, DelaysInSeconds = new[] { 5, 5, 5 }, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
    [JobDisplayName("Make renditions of the photo story whose turn it is")]
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>A turn on the video lane.</summary>
public interface IProcessVideoStory
{
    [Queue(Queues.Video)]
    [AutomaticRetry(Attempts = 3, DelaysInSeconds = new[] { 5, 5, 5 }, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
    [JobDisplayName("Make renditions of the video story whose turn it is")]
    Task RunAsync(CancellationToken cancellationToken);
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

public interface IAudit
{
    [Queue(Queues.Erase)]
    [AutomaticRetry(Attempts = 0, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
    [JobDisplayName("Audit: compare storage, rows, jobs, scratch and keys, and mend what has been wrong for long")]
    Task RunAsync(CancellationToken cancellationToken);
}

public interface IFoldRecords
{
    [Queue(Queues.Erase)]
    [AutomaticRetry(Attempts = 0, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
    [JobDisplayName("Count: sponsored statuses that were shown, and what is to be paid for them")]
    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>One queue, one server, threads of its own for each: queues within one server are served alphabetically.</summary>
public static class Queues
{
    public const string Erase = "erase";
    public const string Photo = "photo";
    public const string Video = "video";
}
