using Hangfire;
using Hangfire.PostgreSql;
using Hangfire.PostgreSql.Factories;
using Microsoft.Extensions.DependencyInjection;

namespace Stories.Core.Jobs;

/// <summary>Hangfire's tables in our database. Both hosts use it: the Api to enqueue and show, the Worker to work.</summary>
public static class JobTables
{
    private const string Schema = "hangfire";

    public static IServiceCollection AddJobTables(this IServiceCollection services, string connectionString)
    {
        // Registered by us: left to itself Hangfire takes a static one, which two hosts in one process would share.
        services.AddSingleton<JobStorage>(_ => Open(connectionString, prepareSchema: false));
        return services.AddHangfire(configuration => configuration.UseSimpleAssemblyNameTypeSerializer().UseRecommendedSerializerSettings());
    }

    /// <summary>Part of <c>./stories migrate</c>; hosts never change the schema.</summary>
    public static void PrepareSchema(string connectionString) => Open(connectionString, prepareSchema: true);

    private static PostgreSqlStorage Open(string connectionString, bool prepareSchema)
    {
        var options = new PostgreSqlStorageOptions
        {
            SchemaName = Schema,
            PrepareSchemaIfNecessary = prepareSchema,
            // Without sliding renewal a job that runs longer than the timeout is handed out a second time.
            UseSlidingInvisibilityTimeout = true,
            InvisibilityTimeout = TimeSpan.FromMinutes(2),
            AllowDegradedModeWithoutStorage = false,
            // Each of a worker's few threads asks five times a second, which costs nothing; half a second would be most of a photo's way.
            QueuePollInterval = TimeSpan.FromMilliseconds(200),
            EnableLongPolling = false,
            // What has ended is looked for each minute; by itself Hangfire looks once an hour, and ten minutes would be seventy.
            JobExpirationCheckInterval = TimeSpan.FromMinutes(1),
            // A lock of a killed process blocks others for this long; nothing of ours waits for one.
            DistributedLockTimeout = TimeSpan.FromMinutes(1),
        };
        return new PostgreSqlStorage(new NpgsqlConnectionFactory(connectionString, options), options) { JobExpirationTimeout = TimeSpan.FromMinutes(10) };
    }
}
