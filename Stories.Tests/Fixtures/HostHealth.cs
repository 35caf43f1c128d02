using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Stories.Tests.Fixtures;

internal static class HostHealth
{
    /// <summary>What <c>/health/ready</c> of a host says of one check.</summary>
    public static async Task<HealthReportEntry> HealthAsync(this IServiceProvider host, string check) =>
        (await host.GetRequiredService<HealthCheckService>().CheckHealthAsync(c => c.Name == check)).Entries[check];
}
