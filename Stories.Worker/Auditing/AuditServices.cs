using Stories.Core;
using Stories.Core.Jobs;

namespace Stories.Worker.Auditing;

internal static class AuditServices
{
    public static void AddAuditing(this IServiceCollection services)
    {
        services.AddOptionsOf<AuditOptions>(AuditOptions.Section);
        services.AddSingleton<AuditMemory>();
        services.AddSingleton<AuditRows>();
        services.AddScoped<ContainerChecks>();
        services.AddScoped<CreativeChecks>();
        services.AddScoped<RenditionChecks>();
        services.AddScoped<IngestChecks>();
        services.AddScoped<RowChecks>();
        services.AddScoped<JobChecks>();
        services.AddScoped<MachineChecks>();
        services.AddScoped<TraceStory>();
        services.AddScoped<Auditor>();
        services.AddScoped<IAudit>(provider => provider.GetRequiredService<Auditor>());
        services.AddHostedService<AuditTimer>();
    }
}
