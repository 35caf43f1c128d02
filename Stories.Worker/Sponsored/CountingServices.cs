using Stories.Core.Jobs;

namespace Stories.Worker.Sponsored;

internal static class CountingServices
{
    public static void AddCounting(this IServiceCollection services)
    {
        services.AddScoped<IFoldRecords, FoldRecords>();
        services.AddScoped<ForgetRecords>();
        services.AddHostedService<FoldTimer>();
    }
}
