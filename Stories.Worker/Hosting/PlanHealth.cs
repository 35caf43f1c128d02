using Microsoft.Extensions.Diagnostics.HealthChecks;
using Stories.Core.Health;
using Stories.Worker.Sponsored;

namespace Stories.Worker.Hosting;

/// <summary>Whether those who ask for a catalog get one.</summary>
internal sealed class PlanHealth(PlanState state) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        state.IsStuck
            ? Health.Red(
                $"No catalog of sponsored statuses could be made for {state.Since:d\\.hh\\:mm\\:ss}: who asks for one gets none, and devices show what they have for two days at most.",
                "The log says what keeps the planner: see the checks of the database, the storage and the keys. It goes on by itself.")
            : HealthCheckResult.Healthy());
}
