using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using Stories.Worker.Erasure;
using Stories.Worker.Sponsored;

namespace Stories.Worker.Hosting;

/// <summary>
/// <c>/metrics</c>, as open as health is: sums and times without tags, on an address that is the operator's own. Only our own meter: libraries' tags
/// hold addresses.
/// </summary>
internal static class Metrics
{
    private const string Collector = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static void AddStoriesMetrics(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ErasureMetrics>();
        builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService("stories-worker")).WithMetrics(metrics =>
        {
            metrics.AddMeter(ErasureMetrics.Meter).AddMeter(PlanMetrics.Meter).AddPrometheusExporter();
            if (builder.Configuration[Collector] is { Length: > 0 }) metrics.AddOtlpExporter();
        });
    }

    public static void MapStoriesMetrics(this WebApplication app)
    {
        // What is overdue is to be seen before this process has erased anything.
        _ = app.Services.GetRequiredService<ErasureMetrics>();
        _ = app.Services.GetRequiredService<PlanMetrics>();
        app.MapPrometheusScrapingEndpoint("/metrics");
    }
}
