using Npgsql;
using Stories.Core.Data;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>One at a time, and nobody of whom nothing is heard any more.</summary>
public sealed class AdvisoryLockTests(LocalServers servers) : IAsyncLifetime
{
    private NpgsqlDataSource database = null!;
    private FaultProxy network = null!;
    private string connection = "";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        connection = await servers.CreateDatabaseAsync();
        database = NpgsqlDataSource.Create(connection);
        network = FaultProxy.Before(servers.PostgresPort);
    }

    public async ValueTask DisposeAsync()
    {
        await network.DisposeAsync();
        await database.DisposeAsync();
        await servers.DropAsync(connection);
    }

    [Fact]
    public async Task A_holder_that_is_silent_because_its_work_is_long_keeps_it()
    {
        await using (Assert.IsType<AdvisoryLock>(await AdvisoryLock.TryTakeAsync(database, "work", TimeSpan.FromSeconds(3), Cancel)))
        {
            await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, Cancel);
            Assert.Null(await AdvisoryLock.TryTakeAsync(database, "work", Cancel));
            await using var other = await AdvisoryLock.TryTakeAsync(database, "other work", Cancel);
            Assert.NotNull(other);
        }
        await using var next = await AdvisoryLock.TryTakeAsync(database, "work", Cancel);
        Assert.NotNull(next);
    }

    [Fact]
    public async Task A_holder_whose_machine_is_gone_loses_it_though_its_connection_never_ends()
    {
        // It speaks no more, and the database is told nothing; a broken answer to its end is no trouble of its own.
        await using var gone = NpgsqlDataSource.Create(network.Through(connection) + ";Command Timeout=2");
        await using var holder = await AdvisoryLock.TryTakeAsync(gone, "work", TimeSpan.FromSeconds(1), Cancel);
        Assert.NotNull(holder);
        Assert.Null(await AdvisoryLock.TryTakeAsync(database, "work", Cancel));
        network.Fault = new Fault { IsBlackHole = true };

        AdvisoryLock? next;
        while ((next = await AdvisoryLock.TryTakeAsync(database, "work", Cancel)) is null) await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Cancel);
        await next.DisposeAsync();
    }

    [Fact]
    public async Task The_connection_that_held_it_may_be_silent_in_its_pool()
    {
        await using var pool = NpgsqlDataSource.Create(connection + ";Maximum Pool Size=1");
        var before = await BackendAsync(pool);
        await using (await AdvisoryLock.TryTakeAsync(pool, "work", TimeSpan.FromSeconds(1), Cancel))
        {
            // Neither does who did not get it.
            Assert.Null(await AdvisoryLock.TryTakeAsync(database, "work", TimeSpan.FromSeconds(1), Cancel));
        }
        var asked = await BackendAsync(database);

        await Task.Delay(TimeSpan.FromSeconds(2.5), TimeProvider.System, Cancel);
        Assert.Equal((before, asked), (await BackendAsync(pool), await BackendAsync(database)));
    }

    private static async Task<int> BackendAsync(NpgsqlDataSource source)
    {
        await using var ask = source.CreateCommand("select pg_backend_pid()");
        return (int)(await ask.ExecuteScalarAsync(Cancel))!;
    }
}
