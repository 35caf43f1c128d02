using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Stories.Core.Blobs;

namespace Stories.Core.Health;

/// <summary>
/// <c>/health/live</c>: the process answers. <c>/health/ready</c>: it can do its work; each check says what is wrong and what
/// mends it, and nothing of addresses or credentials.
/// </summary>
public static class Health
{
    public const string Fix = "fix";

    /// <param name="whenRetained">What it means for this host that the account was found to keep what is deleted while it runs: an alarm, or that it had better serve nobody.</param>
    public static IHealthChecksBuilder AddStoriesHealth(this IServiceCollection services, HealthStatus whenRetained) => services.AddHealthChecks()
        .AddCheck<DatabaseHealth>("database").AddCheck<StorageHealth>("storage").AddCheck<RetentionHealth>("retention", whenRetained);

    /// <summary>Answered as soon as they are routed: whoever is to be told that the database is away must not be looked up in it, and probes use up nobody's requests.</summary>
    public static void MapStoriesHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false, ResponseWriter = WriteAsync }).ShortCircuit();
        routes.MapHealthChecks("/health/ready", new HealthCheckOptions { ResponseWriter = WriteAsync }).ShortCircuit();
    }

    public static HealthCheckResult Red(string reason, string fix) => Not(HealthStatus.Unhealthy, reason, fix);

    public static HealthCheckResult Not(HealthStatus status, string reason, string fix) => new(status, reason, data: new Dictionary<string, object> { [Fix] = fix });

    private static Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsJsonAsync(new
        {
            status = report.Status.ToString().ToLowerInvariant(),
            checks = report.Entries.Select(check => new
            {
                name = check.Key,
                status = check.Value.Status.ToString().ToLowerInvariant(),
                // Of a check that broke, health checks would show the exception's message.
                reason = check.Value.Exception is null ? check.Value.Description : "The check itself failed; the log says how.",
                fix = check.Value.Data.GetValueOrDefault(Fix),
            }),
        }, JsonSerializerOptions.Web);
    }
}

internal sealed class DatabaseHealth(NpgsqlDataSource database) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var command = database.CreateCommand("select 1");
            await command.ExecuteScalarAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (NpgsqlException)
        {
            return Health.Red("PostgreSQL does not answer.", "See that it runs and that ConnectionStrings:Stories names it.");
        }
    }
}

internal sealed class StorageHealth(StorageProbe storage) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        await storage.AnswersAsync(cancellationToken)
            ? HealthCheckResult.Healthy()
            : Health.Red("Blob storage does not answer.", "See that it runs and that Blobs:ConnectionString or Blobs:ServiceUri names it.");
}

/// <summary>Tells what was found at start or within the last hour: a health check that makes containers would be asked too often.</summary>
internal sealed class RetentionHealth(RetentionWatch retention) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var reason = $"The storage account keeps what is deleted: {string.Join(", ", retention.Kept)}.";
        return Task.FromResult(
            retention.Kept.Count == 0 ? HealthCheckResult.Healthy()
            : retention.IsAllowed ? HealthCheckResult.Degraded(reason + " Blobs:AllowRetainedDeletes allows it.")
            : Health.Not(context.Registration.FailureStatus, reason, "Switch that off for the account, and remove what it has kept (docs/operations.md); or set Blobs:AllowRetainedDeletes if you know what it means for erasure."));
    }
}
