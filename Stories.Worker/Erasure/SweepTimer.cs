using Microsoft.Extensions.Options;
using Stories.Core.Erasure;
using Stories.Core.Faults;
using Stories.Core.Jobs;

namespace Stories.Worker.Erasure;

/// <summary>
/// Sweeps without Hangfire: its scheduler's lock is a row that a killed process leaves behind, and erasure does not wait for
/// that.
/// </summary>
public sealed class SweepTimer(IServiceScopeFactory scopes, IOptions<BucketOptions> options, ILogger<SweepTimer> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Real seconds: what a test moves is the time by which things are due, not this machine's rhythm.
        using var timer = new PeriodicTimer(options.Value.SweepEvery, TimeProvider.System);
        do
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                await scope.ServiceProvider.GetRequiredService<ISweep>().RunAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogError("A sweep failed: {Trouble}. The next one tries again.", Trouble.Of(e));
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
