using Hangfire.Common;
using Hangfire.Server;
using Stories.Core.Faults;
using Stories.Core.Jobs;

namespace Stories.Worker.Hosting;

/// <summary>
/// Hangfire keeps a failed job's exception, message and stack, in its tables and shows them on its dashboard. It gets a code
/// instead; what kind of trouble it was stands in our log.
/// </summary>
internal sealed class CodesOnly(ILogger<CodesOnly> log) : IServerFilter, IJobFilterProvider
{
    private const string JobFailed = "job.failed";

    public void OnPerforming(PerformingContext context)
    {
    }

    /// <summary>What this throws takes the place of the job's own exception.</summary>
    public void OnPerformed(PerformedContext context)
    {
        // Cancellation and abortion are no failures: Hangfire tells them by their type.
        var exception = context.Exception is JobPerformanceException { InnerException: { } inner } ? inner : context.Exception;
        if (exception is null or WorkFailedException or OperationCanceledException or Hangfire.Server.JobAbortedException) return;
        log.LogError("Job {Job} failed: {Trouble}.", context.BackgroundJob.Job.Type.Name, Trouble.Of(exception));
        throw new WorkFailedException(JobFailed);
    }

    /// <summary>Outermost: it sees what other filters throw, too.</summary>
    public IEnumerable<JobFilter> GetFilters(Job job) => [new JobFilter(this, JobFilterScope.Global, int.MinValue)];
}
