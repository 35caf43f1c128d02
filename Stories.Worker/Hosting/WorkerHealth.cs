using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Stories.Core;
using Stories.Core.Data;
using Stories.Core.Health;
using Stories.Core.Media;
using Stories.Worker.Erasure;
using Stories.Worker.Keys;
using Stories.Worker.Media;

namespace Stories.Worker.Hosting;

internal sealed class SandboxHealth(SandboxState sandbox) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        sandbox.Fault is null
            ? HealthCheckResult.Healthy($"Media is processed in {(sandbox.Kind == SandboxKind.Landlock ? "Landlock, which hides less than bubblewrap" : "bubblewrap")}.")
            : Health.Red($"Media is not processed: {sandbox.Fault}.", "Install bubblewrap and allow user namespaces to this process, or run it where the kernel has Landlock."));
}

/// <summary>Uploads need a key to name, and this worker must be able to open it: a folder of its own would make it refuse every story.</summary>
internal sealed class KeyHealth(ProcessingKeyRing ring) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            return await ring.IsUsableAsync(cancellationToken)
                ? HealthCheckResult.Healthy()
                : Health.Red(
                    "There is no processing key that uploads may name and this worker can open.",
                    "Keys:Folder must be writable, and the same for all workers; the log says what keeps the sweep from making a key.");
        }
        catch (Exception e) when (e is NpgsqlException || e.InnerException is NpgsqlException)
        {
            return Health.Red("The processing keys cannot be read.", "See the check of the database.");
        }
        catch (StartRefusedException refusal)
        {
            return Health.Red(refusal.Message, "chmod 600 on the files in Keys:Folder.");
        }
    }
}

/// <summary>Whether all that ended is gone, on time.</summary>
internal sealed class ErasureHealth(OverdueBuckets overdue, ErasureTrouble trouble, TimeProvider clock) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var late = await overdue.FindAsync(clock.GetUtcNow(), cancellationToken);
            return late.Buckets.Count == 0
                ? HealthCheckResult.Healthy()
                : Health.Red(
                    $"{late.Buckets.Count} ended buckets are not erased, one for {late.By:d\\.hh\\:mm\\:ss}: {trouble.Of(late.Buckets)}.",
                    "End what holds their containers (a lease, a legal hold, a policy, storage that does not answer); the sweep does the rest. GET /v1/buckets names them; docs/operations.md, Erasure, says more.");
        }
        catch (Exception e) when (e is NpgsqlException || e.InnerException is NpgsqlException)
        {
            return Health.Red("Whether anything is overdue cannot be read.", "See the check of the database.");
        }
    }
}
