using System.Data;
using Npgsql;

namespace Stories.Core.Data;

/// <summary>
/// One holder at a time among all processes on one database. It dies with its connection, so that a killed holder keeps
/// nobody out, and with its silence, so that neither does one that is stopped or whose machine is gone: those end no connection.
/// Nothing may be correct only because of it.
/// </summary>
public sealed class AdvisoryLock : IAsyncDisposable
{
    private static readonly TimeSpan UsualSilence = TimeSpan.FromSeconds(30);

    private readonly NpgsqlConnection connection;
    private readonly string name;
    private readonly CancellationTokenSource given = new();
    private readonly Task speaking;

    private AdvisoryLock(NpgsqlConnection connection, string name, TimeSpan silence)
    {
        (this.connection, this.name) = (connection, name);
        speaking = SpeakAsync(silence / 3);
    }

    /// <returns>Null when somebody else holds it.</returns>
    public static Task<AdvisoryLock?> TryTakeAsync(NpgsqlDataSource database, string name, CancellationToken cancellationToken) =>
        TryTakeAsync(database, name, UsualSilence, cancellationToken);

    /// <param name="silence">How long the database hears nothing of the holder before it ends the connection.</param>
    /// <returns>Null when somebody else holds it.</returns>
    public static async Task<AdvisoryLock?> TryTakeAsync(NpgsqlDataSource database, string name, TimeSpan silence, CancellationToken cancellationToken)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            // Only of who holds it: a connection in the pool is silent for as long as it likes.
            await using var take = Command(connection,
                "select case when pg_try_advisory_lock(hashtextextended($1, 0)) then set_config('idle_session_timeout', $2, false) end", name, $"{(long)silence.TotalMilliseconds}ms");
            if (await take.ExecuteScalarAsync(cancellationToken) is string) return new AdvisoryLock(connection, name, silence);
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
        await given.CancelAsync();
        await speaking;
        given.Dispose();
        if (connection.State != ConnectionState.Open) return;
        try
        {
            await using var give = Command(connection, "select pg_advisory_unlock(hashtextextended($1, 0)), set_config('idle_session_timeout', '0', false)", name);
            await give.ExecuteScalarAsync(CancellationToken.None);
        }
        catch (NpgsqlException)
        {
            // The connection is broken, and the lock gone with it.
        }
    }

    private async Task SpeakAsync(TimeSpan every)
    {
        // Real seconds: it is the database's clock that runs.
        using var timer = new PeriodicTimer(every, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(given.Token))
            {
                await using var speak = Command(connection, "select 1");
                await speak.ExecuteScalarAsync(CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (given.IsCancellationRequested)
        {
            // Nobody holds it any more.
        }
        catch (NpgsqlException)
        {
            // The connection is broken, and the lock gone with it.
        }
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params string[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }
}
