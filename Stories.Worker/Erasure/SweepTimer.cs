using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Core.Erasure;
using Stories.Core.Jobs;

namespace Stories.Worker.Erasure;

/// <summary>
/// Sweeps without Hangfire: its scheduler's lock is a row that a killed process leaves behind, and erasure does not wait for
/// that. One worker at a time, by a lock that dies with its connection.
/// </summary>
public sealed class SweepTimer(IServiceScopeFactory scopes, NpgsqlDataSource database, IOptions<BucketOptions> options, ILogger<SweepTimer> log) : BackgroundService
{
    private const string Mutex = "sweep";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.SweepEvery, TimeProvider.System);
        do
        {
            try
            {
                await SweepOnceAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogError("A sweep failed: {Trouble}. The next one tries again.", e.GetType().Name);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task SweepOnceAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var take = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended($1, 0))", connection) { Parameters = { new() { Value = Mutex } } };
        if (await take.ExecuteScalarAsync(cancellationToken) is not true) return;
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<ISweep>().RunAsync(cancellationToken);
        }
        finally
        {
            await using var give = new NpgsqlCommand("select pg_advisory_unlock(hashtextextended($1, 0))", connection) { Parameters = { new() { Value = Mutex } } };
            await give.ExecuteScalarAsync(CancellationToken.None);
        }
    }
}
