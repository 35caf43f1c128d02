using Hangfire;
using Stories.Protocol;

namespace Stories.Core.Jobs;

public sealed class QueuedTurns(JobStorage storage)
{
    /// <summary>Those on a lane that nobody has begun.</summary>
    public long Count(Lane lane) => storage.GetMonitoringApi().EnqueuedCount(lane == Lane.Video ? Queues.Video : Queues.Photo);
}
