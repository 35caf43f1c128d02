using Hangfire;
using Hangfire.PostgreSql;
using Microsoft.Extensions.DependencyInjection;

namespace Stories.Core.Jobs;

/// <summary>Hangfire's tables in our database. Both hosts use it: the Api to enqueue and show, the Worker to work.</summary>
public static class JobStorage
{
    private const string Schema = "hangfire";

    public static IServiceCollection AddJobStorage(this IServiceCollection services, string connectionString) =>
        services.AddHangfire(configuration => configuration
            .UseSimpleAssemblyNameTypeSerializer()
            .UseRecommendedSerializerSettings()
            .UsePostgreSqlStorage(o => o.UseNpgsqlConnection(connectionString), Options(prepareSchema: false))
            .WithJobExpirationTimeout(TimeSpan.FromMinutes(10)));

    /// <summary>Part of <c>./stories migrate</c>; hosts never change the schema.</summary>
    public static void PrepareSchema(string connectionString) =>
        _ = new PostgreSqlStorage(new Hangfire.PostgreSql.Factories.NpgsqlConnectionFactory(connectionString, Options(prepareSchema: true)), Options(prepareSchema: true));

    private static PostgreSqlStorageOptions Options(bool prepareSchema) => new()
    {
        SchemaName = Schema,
        PrepareSchemaIfNecessary = prepareSchema,
        // Without sliding renewal a job that runs longer than the timeout is handed out a second time.
        UseSlidingInvisibilityTimeout = true,
        InvisibilityTimeout = TimeSpan.FromMinutes(2),
        AllowDegradedModeWithoutStorage = false,
        QueuePollInterval = TimeSpan.FromMilliseconds(500),
        EnableLongPolling = false,
        // A lock of a killed process blocks others for this long; nothing of ours waits for one.
        DistributedLockTimeout = TimeSpan.FromMinutes(1),
    };
}
