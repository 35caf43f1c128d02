using Microsoft.Extensions.Options;
using Stories.Core;

namespace Stories.Worker.Auditing;

/// <summary>
/// Each worker audits once an hour, one of them at a time: scratch is its own machine's, and what it saw last time only itself
/// remembers.
/// </summary>
internal sealed class AuditTimer(IServiceScopeFactory scopes, IOptions<AuditOptions> options, ILogger<AuditTimer> log) : BackgroundService
{
    /// <summary>A start has enough to do; a worker that never lives for an hour audits all the same.</summary>
    private static readonly TimeSpan First = TimeSpan.FromMinutes(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Delay(First < options.Value.Every ? First : options.Value.Every, TimeProvider.System, stoppingToken);
        using var timer = new PeriodicTimer(options.Value.Every, TimeProvider.System);
        do
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                await scope.ServiceProvider.GetRequiredService<Auditor>().RunAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogError("An audit failed: {Trouble}. The next one tries again.", Trouble.Of(e));
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
