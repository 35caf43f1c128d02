using Microsoft.Extensions.Diagnostics.HealthChecks;
using Stories.Core.Health;
using Stories.Worker.Auditing;

namespace Stories.Worker.Hosting;

internal sealed class AuditHealth(AuditMemory memory) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        memory.IsTooMuch
            ? Health.Red(
                "The last audit would have repaired so much that it repaired nothing: this may be the wrong database or account, or an empty one.",
                "See ./stories audit. If they are the right ones: ./stories audit --repair --all; the next audit then turns this green.")
            : HealthCheckResult.Healthy());
}
