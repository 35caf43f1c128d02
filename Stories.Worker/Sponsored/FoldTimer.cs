using Microsoft.Extensions.Options;
using Stories.Core.Faults;
using Stories.Core.Jobs;
using Stories.Core.Sponsored;

namespace Stories.Worker.Sponsored;

/// <summary>Counts every few seconds and forgets every few minutes, without Hangfire's scheduler, for the same reason as the sweep.</summary>
public sealed class FoldTimer(IServiceScopeFactory scopes, IOptions<RecordOptions> options, ILogger<FoldTimer> log) : BackgroundService
{
    private static readonly TimeSpan ForgetEvery = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        long? forgot = null;
        using var timer = new PeriodicTimer(options.Value.FoldEvery, TimeProvider.System);
        do
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                await scope.ServiceProvider.GetRequiredService<IFoldRecords>().RunAsync(stoppingToken);
                if (forgot is { } before && TimeProvider.System.GetElapsedTime(before) < ForgetEvery) continue;
                await scope.ServiceProvider.GetRequiredService<ForgetRecords>().RunAsync(stoppingToken);
                forgot = TimeProvider.System.GetTimestamp();
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogError("Counting failed: {Trouble}. It is tried again.", Trouble.Of(e));
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
