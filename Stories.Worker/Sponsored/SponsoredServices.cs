using Stories.Core;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Sponsored;

namespace Stories.Worker.Sponsored;

internal static class SponsoredServices
{
    public static void AddSponsored(this IServiceCollection services)
    {
        services.AddOptionsOf<CatalogOptions>(CatalogOptions.Section);
        services.AddSingleton<CellCurves>();
        services.AddSingleton<LifetimeWindows>();
        services.AddSingleton<PlanMetrics>();
        services.AddSingleton(_ => new PlanState(TimeProvider.System));
        services.AddScoped<PlannedLines>();
        services.AddScoped<PlanCatalogs>();
        services.AddHostedService<PlanTimer>();
        services.AddSingleton<CreativeBlobs>();
        services.AddScoped<MakeCreatives>();
        services.AddScoped<EraseCreatives>();
        services.AddHostedService<CreativeTimer>();
    }
}
