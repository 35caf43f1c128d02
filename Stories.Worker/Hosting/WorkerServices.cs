using Hangfire;
using Hangfire.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Stories.Core;
using Stories.Core.Health;
using Stories.Core.Jobs;
using Stories.Core.Media;
using Stories.Worker.Auditing;
using Stories.Worker.Erasure;
using Stories.Worker.Keys;
using Stories.Worker.Media;
using Stories.Worker.Processing;
using Stories.Worker.Sponsored;

namespace Stories.Worker.Hosting;

internal static class WorkerServices
{
    public static void AddStoriesWorker(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddStoriesCore(builder.Configuration);
        services.AddStoriesHealth(whenRetained: HealthStatus.Unhealthy)
            .AddCheck<SandboxHealth>("sandbox").AddCheck<KeyHealth>("keys").AddCheck<ErasureHealth>("erasure").AddCheck<AuditHealth>("audit").AddCheck<PlanHealth>("ads");
        services.Configure<HostOptions>(host =>
        {
            // Longer than a child needs to end and its work to be handed back.
            host.ShutdownTimeout = TimeSpan.FromSeconds(30);
            // The lanes do not wait for each other.
            host.ServicesStopConcurrently = true;
        });

        services.AddOptionsOf<KeyOptions>(KeyOptions.Section);
        services.AddSingleton<KeyEncryptionKeys>();
        services.AddSingleton<ServiceSigner>();
        services.AddScoped<ProcessingKeyRing>();

        services.AddOptionsOf<MediaOptions>(MediaOptions.Section);
        services.AddSingleton<ScratchRoom>();
        services.AddSingleton<Sandbox>();
        services.AddSingleton<SandboxState>();
        services.AddHostedService(provider => provider.GetRequiredService<SandboxState>());
        services.AddSingleton<PhotoChildren>();
        services.AddSingleton<HeicConverter>();
        services.AddSingleton<VideoProbe>();
        services.AddSingleton<VideoRenderer>();
        services.AddSingleton<MediaRenderer>();
        services.AddSingleton<StoryClaims>();
        services.AddSingleton<RevisionPublisher>();
        services.AddScoped<UploadOpener>();
        services.AddScoped<UnfinishedRenditions>();
        services.AddScoped<IProcessPhotoStory, ProcessStory>();
        services.AddScoped<IProcessVideoStory, ProcessStory>();

        builder.AddStoriesMetrics();
        services.AddScoped<RecordErasure>();
        services.AddScoped<IEraseBucket, EraseBucket>();
        services.AddScoped<EraseDueBuckets>();
        services.AddSingleton<ErasureTrouble>();
        services.AddSingleton<QueuedTurns>();
        services.AddScoped<ISweep, Sweep>();
        services.AddHostedService<SweepTimer>();
        services.AddHostedService<RecurringSweep>();
        services.AddAuditing();
        services.AddCounting();
        services.AddSponsored();
        services.AddSingleton<CodesOnly>();
        AddLanes(services);
    }

    /// <exception cref="StartRefusedException">Its message says what to do.</exception>
    public static async Task PassStartupChecksAsync(this WebApplication app)
    {
        await StartupChecks.PassAsync(app.Services);
        // Reads its key file, which may be open to others.
        _ = app.Services.GetRequiredService<ServiceSigner>();
    }

    private static void AddLanes(IServiceCollection services)
    {
        AddLane(services, Queues.Erase, 1);
        // Two more than can compute (PhotoChildren): they fetch the next photos and store the last ones while the others do.
        AddMediaLane(services, Queues.Photo, Environment.ProcessorCount + 2);
        AddMediaLane(services, Queues.Video, Math.Max(1, Environment.ProcessorCount / 2));
    }

    private static void AddMediaLane(IServiceCollection services, string queue, int threads)
    {
        AddLane(services, queue, threads);
        var lane = services[^1];
        services.RemoveAt(services.Count - 1);
        services.AddSingleton<IHostedService, MediaLane>(provider => new MediaLane((IHostedService)lane.ImplementationFactory!(provider), provider.GetRequiredService<SandboxState>()));
    }

    private static void AddLane(IServiceCollection services, string queue, int threads) => services.AddHangfireServer((provider, options) =>
    {
        options.ServerName = $"{queue}@{Environment.MachineName}:{Environment.ProcessId}";
        options.Queues = [queue];
        options.WorkerCount = threads;
        options.SchedulePollingInterval = TimeSpan.FromSeconds(1);
        options.CancellationCheckInterval = TimeSpan.FromSeconds(2);
        options.ShutdownTimeout = TimeSpan.FromSeconds(20);
        // A photo that is nearly done gets done; then work is cancelled, and its child is gone within five seconds of the signal.
        options.StopTimeout = TimeSpan.FromSeconds(1);
        options.FilterProvider = new JobFilterProviderCollection(provider.GetRequiredService<CodesOnly>(), GlobalJobFilters.Filters, new JobFilterAttributeFilterProvider());
    });
}
