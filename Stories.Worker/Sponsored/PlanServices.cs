using Stories.Core;
using Stories.Core.Data;
using Stories.Core.Sponsored;

namespace Stories.Worker.Sponsored;

internal static class PlanServices
{
    public static void AddPlanning(this IServiceCollection services)
    {
        services.AddOptionsOf<CatalogOptions>(CatalogOptions.Section);
        services.AddSingleton<CellCurves>();
        services.AddSingleton<LifetimeWindows>();
        services.AddSingleton<PlanMetrics>();
        services.AddScoped<PlannedLines>();
        services.AddScoped<PlanCatalogs>();
        services.AddHostedService<PlanTimer>();
    }
}
