using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Core.Apps;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Core.Sponsored;
using Stories.Core.Uploads;

namespace Stories.Core;

/// <summary>What both hosts share.</summary>
public static class CoreServices
{
    public const string ConnectionName = "Stories";

    public static IServiceCollection AddStoriesCore(this IServiceCollection services, IConfiguration configuration)
    {
        var connectionString = configuration.GetConnectionString(ConnectionName) is { Length: > 0 } set ? set
            : throw new StartRefusedException($"Set ConnectionStrings:{ConnectionName} to the PostgreSQL database.");

        services.AddOptionsOf<AppOptions>(AppOptions.Section);
        services.AddOptionsOf<UploadOptions>(UploadOptions.Section);
        services.AddOptionsOf<PostingOptions>(PostingOptions.Section);
        services.AddOptionsOf<BucketOptions>(BucketOptions.Section);
        services.AddOptionsOf<TakedownOptions>(TakedownOptions.Section);
        services.AddOptionsOf<BlobOptions>(BlobOptions.Section);
        services.AddOptionsOf<RecordOptions>(RecordOptions.Section);

        services.AddSingleton(_ => new NpgsqlDataSourceBuilder(connectionString).Build());
        services.AddDbContextPool<StoriesDb>((provider, options) => options
            .UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>())
            // These log whole exceptions, with the database's address; whoever catches one says what is to be said.
            .ConfigureWarnings(events => events.Ignore(
                RelationalEventId.ConnectionError, RelationalEventId.CommandError, RelationalEventId.TransactionError, CoreEventId.QueryIterationFailed, CoreEventId.SaveChangesFailed)));
        services.AddSingleton<DatabaseClock>();
        services.AddSingleton<TimeProvider>(provider => provider.GetRequiredService<DatabaseClock>());
        services.AddSingleton<IngestBlobs>();
        services.AddSingleton<BucketBlobs>();
        services.AddSingleton<BucketKeys>();
        services.AddSingleton<UrlSigner>();
        services.AddSingleton<RetentionProbe>();
        services.AddSingleton<RetentionWatch>();
        services.AddSingleton<BlobInventory>();
        services.AddBlobConnection();
        services.AddJobTables(connectionString);
        services.AddSingleton<StoryWork>();
        services.AddScoped<StoryBlobs>();
        services.AddScoped<EndStories>();
        services.AddScoped<EraseDeparted>();
        services.AddScoped<OverdueBuckets>();
        services.AddSingleton<UploadCommit>();
        services.AddSingleton<RecordPools>();
        services.AddSingleton<StartupChecks>();
        services.AddHostedService(provider => provider.GetRequiredService<StartupChecks>());
        services.AddHostedService(provider => provider.GetRequiredService<RetentionWatch>());
        return services;
    }

    public static OptionsBuilder<T> AddOptionsOf<T>(this IServiceCollection services, string section) where T : class
    {
        services.AddSingleton<IValidateOptions<T>>(provider => new WrittenTimes<T>(provider.GetRequiredService<IConfiguration>().GetSection(section)));
        return services.AddOptions<T>().BindConfiguration(section).ValidateDataAnnotations().ValidateOnStart();
    }
}
