using Microsoft.Extensions.Options;
using Stories.Core.Faults;
using Stories.Core.Sponsored;

namespace Stories.Worker.Sponsored;

/// <summary>Looks each second for catalogs that are missing: a cell that is new, an epoch that begins, a line that was stopped.</summary>
public sealed class PlanTimer(IServiceScopeFactory scopes, IOptions<CatalogOptions> options, ILogger<PlanTimer> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.PlanEvery, TimeProvider.System);
        do
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                await scope.ServiceProvider.GetRequiredService<PlanCatalogs>().RunAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogError("Planning failed: {Trouble}. It is tried again.", Trouble.Of(e));
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
