using Npgsql;

namespace Stories.Core.Data;

/// <summary>
/// One holder at a time among all processes on one database. It dies with its connection, so that a killed holder keeps
/// nobody out; nothing may be correct only because of it.
/// </summary>
public sealed class AdvisoryLock : IAsyncDisposable
{
    private readonly NpgsqlConnection connection;
    private readonly string name;

    private AdvisoryLock(NpgsqlConnection connection, string name) => (this.connection, this.name) = (connection, name);

    /// <returns>Null when somebody else holds it.</returns>
    public static async Task<AdvisoryLock?> TryTakeAsync(NpgsqlDataSource database, string name, CancellationToken cancellationToken)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var take = Command(connection, "select pg_try_advisory_lock(hashtextextended($1, 0))", name);
            if (await take.ExecuteScalarAsync(cancellationToken) is true) return new AdvisoryLock(connection, name);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
        await connection.DisposeAsync();
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await using var _ = connection;
        try
        {
            await using var give = Command(connection, "select pg_advisory_unlock(hashtextextended($1, 0))", name);
            await give.ExecuteScalarAsync(CancellationToken.None);
        }
        catch (NpgsqlException)
        {
            // The connection is broken, and the lock gone with it.
        }
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, string name) =>
        new(sql, connection) { Parameters = { new NpgsqlParameter { Value = name } } };
}
