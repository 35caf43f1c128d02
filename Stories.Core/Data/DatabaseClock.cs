using Npgsql;

namespace Stories.Core.Data;

/// <summary>
/// The database's time, so that several hosts agree on when a story ends. It is asked for at start and then once a
/// minute; in between the machine's own clock carries on from there.
/// </summary>
public sealed class DatabaseClock(NpgsqlDataSource database) : TimeProvider
{
    /// <summary>A machine further off than this has a broken clock: certificates, tokens and storage would disagree too.</summary>
    public static readonly TimeSpan MaxDrift = TimeSpan.FromSeconds(2);

    private long offsetTicks;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref offsetTicks));

    /// <returns>How far the machine's clock is from the database's.</returns>
    public async Task<TimeSpan> SynchronizeAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select clock_timestamp()");
        var before = System.GetUtcNow();
        var answered = (DateTime)(await command.ExecuteScalarAsync(cancellationToken))!;
        var after = System.GetUtcNow();
        var drift = new DateTimeOffset(DateTime.SpecifyKind(answered, DateTimeKind.Utc)) - (before + (after - before) / 2);
        Interlocked.Exchange(ref offsetTicks, drift.Ticks);
        return drift;
    }
}
