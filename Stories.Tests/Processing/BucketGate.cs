using Npgsql;

namespace Stories.Tests.Processing;

/// <summary>
/// Holds the rows of all buckets, so that whoever is about to publish stands still at the last step before it, for as long as
/// a test needs.
/// </summary>
internal sealed class BucketGate : IAsyncDisposable
{
    private readonly NpgsqlDataSource database;
    private readonly NpgsqlConnection connection;
    private readonly NpgsqlTransaction transaction;

    private BucketGate(NpgsqlDataSource database, NpgsqlConnection connection, NpgsqlTransaction transaction) =>
        (this.database, this.connection, this.transaction) = (database, connection, transaction);

    public static async Task<BucketGate> CloseAsync(string connectionString, CancellationToken cancellationToken)
    {
        var gate = await BeginAsync(connectionString, cancellationToken);
        await gate.ExecuteAsync("select 1 from buckets for update", cancellationToken);
        return gate;
    }

    /// <summary>Only the transaction: the test says what it holds.</summary>
    public static async Task<BucketGate> BeginAsync(string connectionString, CancellationToken cancellationToken)
    {
        var database = NpgsqlDataSource.Create(connectionString + ";Pooling=false");
        var connection = await database.OpenConnectionAsync(cancellationToken);
        var transaction = await connection.BeginTransactionAsync(cancellationToken);
        return new BucketGate(database, connection, transaction);
    }

    /// <summary>Within the gate's own transaction.</summary>
    public async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Returns when somebody stands at the gate; there is no event for that, so the database is asked.</summary>
    /// <returns>The backend that waits.</returns>
    public async Task<int> WaitForSomebodyAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await using var command = database.CreateCommand(
                "select min(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");
            if (await command.ExecuteScalarAsync(cancellationToken) is int pid) return pid;
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellationToken);
        }
    }

    public Task OpenAsync(CancellationToken cancellationToken) => transaction.CommitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
        await database.DisposeAsync();
    }
}
