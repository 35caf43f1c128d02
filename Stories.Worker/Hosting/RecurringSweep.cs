using Hangfire;
using Stories.Core.Faults;
using Stories.Core.Jobs;

namespace Stories.Worker.Hosting;

/// <summary>
/// Puts the sweep and the audit on Hangfire's dashboard. Tried again for a while: the lock that Hangfire takes for it may be a killed worker's,
/// and nothing waits for this, because the timer sweeps without it.
/// </summary>
internal sealed class RecurringSweep(IRecurringJobManager jobs, ILogger<RecurringSweep> log) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!TryAdd()) await Task.Delay(Pause, TimeProvider.System, stoppingToken);
    }

    private bool TryAdd()
    {
        try
        {
            jobs.AddOrUpdate<ISweep>("sweep", sweep => sweep.RunAsync(CancellationToken.None), Cron.Minutely);
            // By the timer each hour; here for somebody who wants one now.
            jobs.AddOrUpdate<IAudit>("audit", audit => audit.RunAsync(CancellationToken.None), Cron.Never);
            jobs.AddOrUpdate<IFoldRecords>("count", fold => fold.RunAsync(CancellationToken.None), Cron.Never);
            return true;
        }
        catch (Exception e)
        {
            log.LogInformation("The sweep is not on the dashboard yet: {Trouble}.", Trouble.Of(e));
            return false;
        }
    }
}
