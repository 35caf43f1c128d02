using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Health;
using Stories.Worker.Media;

namespace Stories.Worker.Hosting;

internal sealed class SandboxHealth(SandboxState sandbox) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        sandbox.Fault is null
            ? HealthCheckResult.Healthy()
            : Health.Red($"Media is not processed: {sandbox.Fault}.", "Install bubblewrap and allow user namespaces to this process."));
}

internal sealed class KeyHealth(StoriesDb db, TimeProvider clock) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var now = clock.GetUtcNow();
        return await db.ProcessingKeys.AnyAsync(k => k.NotAfter > now, cancellationToken)
            ? HealthCheckResult.Healthy()
            : Health.Red("There is no processing key that uploads may name.", "See in this worker's log why the sweep cannot make one; Keys:Folder must be writable.");
    }
}
