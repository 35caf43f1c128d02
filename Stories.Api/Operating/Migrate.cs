using Microsoft.EntityFrameworkCore;
using Stories.Core.Blobs;
using Stories.Core.Jobs;

namespace Stories.Api.Operating;

/// <summary>Brings database, job tables and storage to what this version needs. Safe to repeat.</summary>
internal static class Migrate
{
    public static async Task<int> RunAsync(IConfiguration configuration)
    {
        await using var db = OperatorCommand.OpenDatabase(configuration);
        await DatabaseAsync(db.Database.GetConnectionString()!);
        await ApplyOriginsAsync(configuration, db);
        return 0;
    }

    public static async Task DatabaseAsync(string connectionString)
    {
        await using var db = OperatorCommand.OpenDatabase(connectionString);
        await db.Database.MigrateAsync();
        JobTables.PrepareSchema(connectionString);
    }

    /// <summary>Storage keeps its own list of origins; it must be ours.</summary>
    public static async Task ApplyOriginsAsync(IConfiguration configuration, Core.Data.StoriesDb db)
    {
        var options = configuration.GetSection(BlobOptions.Section).Get<BlobOptions>() ?? new BlobOptions();
        var origins = await db.Apps.Select(a => a.AllowedOrigins).ToListAsync();
        await StorageSetup.PrepareAsync(options, [.. origins.SelectMany(o => o).Distinct().Order()], CancellationToken.None);
    }
}
