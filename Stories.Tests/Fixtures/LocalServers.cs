using System.Collections.Concurrent;
using System.Reflection;
using Npgsql;
using Stories.Api.Operating;
using Stories.Tests.Fixtures;

[assembly: AssemblyFixture(typeof(LocalServers))]

namespace Stories.Tests.Fixtures;

/// <summary>
/// One PostgreSQL and one Azurite for the whole run, on free ports and in a folder of their own; gone when the run ends,
/// however it ends. They start when the first test asks, so that a run without such tests needs neither.
/// </summary>
public sealed class LocalServers : IAsyncDisposable
{
    private readonly Lazy<ServerProcess> _process = new(ServerProcess.Start);
    private readonly ConcurrentDictionary<MethodInfo, Lazy<Task<string>>> _templates = new();
    private int _databases;

    public string BlobConnectionString => _process.Value.Blobs;
    public int BlobPort => new Uri(BlobConnectionString.Split("BlobEndpoint=")[1]).Port;
    public int PostgresPort => new NpgsqlConnectionStringBuilder(_process.Value.Postgres).Port;

    /// <summary>Only for servers that a test has started for itself.</summary>
    public Task RestartPostgresAsync(CancellationToken cancellationToken) => _process.Value.RestartPostgresAsync(cancellationToken);

    /// <summary>A migrated, empty database of one's own, and a deployment name that no other test has.</summary>
    public async Task<(string Database, string Deployment)> CreateStoreAsync()
    {
        var connection = await UseTemplateAsync(Migrate.DatabaseAsync);
        return (connection, new NpgsqlConnectionStringBuilder(connection).Database!);
    }

    /// <returns>The connection string of a new, empty database.</returns>
    public Task<string> CreateDatabaseAsync() => CreateAsync("template0");

    /// <summary>Runs <paramref name="migrate"/> once per run; each caller gets a copy of what it made, in a fraction of the time.</summary>
    /// <param name="migrate">A method, not a lambda that captures: the method itself is what the template is remembered by.</param>
    /// <returns>The connection string of a new database.</returns>
    public async Task<string> UseTemplateAsync(Func<string, Task> migrate)
    {
        var template = _templates.GetOrAdd(migrate.Method, _ => new Lazy<Task<string>>(() => MakeTemplateAsync(migrate)));
        return await CreateAsync(await template.Value);
    }

    /// <param name="connection">Of a database that nobody uses any more.</param>
    public async Task DropAsync(string connection)
    {
        await using (var pooled = new NpgsqlConnection(connection)) NpgsqlConnection.ClearPool(pooled);
        await RunAsync($"drop database {new NpgsqlConnectionStringBuilder(connection).Database} with (force)");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.IsValueCreated) return;
        NpgsqlConnection.ClearAllPools();
        await _process.Value.DisposeAsync();
    }

    private async Task<string> MakeTemplateAsync(Func<string, Task> migrate)
    {
        // A database can be copied only while nobody is connected to it: no pool may hold one back.
        var connection = new NpgsqlConnectionStringBuilder(await CreateDatabaseAsync()) { Pooling = false };
        await migrate(connection.ConnectionString);
        return connection.Database!;
    }

    private async Task<string> CreateAsync(string template)
    {
        var name = $"test{Interlocked.Increment(ref _databases)}";
        await RunAsync($"create database {name} template {template}");
        return new NpgsqlConnectionStringBuilder(_process.Value.Postgres)
        {
            Database = name,
            MaxPoolSize = 40,
            MaxAutoPrepare = 50,
            AutoPrepareMinUsages = 2,
            IncludeErrorDetail = false,
            // Hundreds of databases pass through one server: each gives its connections back soon.
            ConnectionIdleLifetime = 10,
            ConnectionPruningInterval = 5,
        }.ConnectionString;
    }

    private async Task RunAsync(string command)
    {
        // A test may have PostgreSQL start again, which leaves nothing but dead connections in a pool.
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_process.Value.Postgres) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var written = new NpgsqlCommand(command, connection);
        await written.ExecuteNonQueryAsync();
    }
}
