using Microsoft.Extensions.Options;
using Stories.Core.Faults;

namespace Stories.Worker.Auditing;

/// <summary>
/// Each worker audits once an hour: scratch is its own machine's, and what it saw last time only itself remembers. One at a time; who
/// meets another's waits for it a little.
/// </summary>
internal sealed class AuditTimer(IServiceScopeFactory scopes, IOptions<AuditOptions> options, ILogger<AuditTimer> log) : BackgroundService
{
    /// <summary>A start has enough to do; a worker that never lives for an hour audits all the same.</summary>
    private static readonly TimeSpan First = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Delay(First < options.Value.Every ? First : options.Value.Every, TimeProvider.System, stoppingToken);
        using var timer = new PeriodicTimer(options.Value.Every, TimeProvider.System);
        do
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                var auditor = scope.ServiceProvider.GetRequiredService<Auditor>();
                while (await auditor.RunAsync(AuditMode.Repair, isOperator: false, stoppingToken) is null) await Task.Delay(Pause, TimeProvider.System, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogError("An audit failed: {Trouble}. The next one tries again.", Trouble.Of(e));
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
