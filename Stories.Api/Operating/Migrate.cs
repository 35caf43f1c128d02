using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Stories.Core;
using Stories.Core.Blobs;
using Stories.Core.Data;
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
    public static async Task ApplyOriginsAsync(IConfiguration configuration, StoriesDb db)
    {
        await using var services = new ServiceCollection().AddSingleton(configuration).AddOptionsOf<BlobOptions>(BlobOptions.Section).Services.BuildServiceProvider();
        var origins = await db.Apps.Select(a => a.AllowedOrigins).ToListAsync();
        await StorageSetup.PrepareAsync(services.GetRequiredService<IOptions<BlobOptions>>().Value, [.. origins.SelectMany(o => o).Distinct().Order()], CancellationToken.None);
    }
}
