using Npgsql;

namespace Stories.Core.Data;

/// <summary>
/// The database's time, so that several hosts agree on when a story ends. It is asked for at start and then once a minute; in
/// between the machine counts on from there, by the counter that nobody can set: a clock that jumps shows no story longer and
/// erases none earlier.
/// </summary>
public sealed class DatabaseClock(NpgsqlDataSource database) : TimeProvider
{
    /// <summary>A machine further off than this has a broken clock: certificates, tokens and storage would disagree too.</summary>
    public static readonly TimeSpan MaxDrift = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Resync = TimeSpan.FromMinutes(1);

    private volatile Reading reading = new(System.GetUtcNow(), System.GetUtcNow(), System.GetTimestamp());

    /// <summary>As exact as the database keeps it: what is answered is what is read later.</summary>
    public override DateTimeOffset GetUtcNow()
    {
        var now = reading.Database + System.GetElapsedTime(reading.At);
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }

    /// <summary>After a minute, and when the machine's clock and its counter disagree: one was set, or the machine slept and the counter with it.</summary>
    public bool NeedsReading
    {
        get
        {
            var counted = System.GetElapsedTime(reading.At);
            return counted > Resync || (System.GetUtcNow() - reading.Machine - counted).Duration() > MaxDrift;
        }
    }

    /// <returns>How far the machine's clock is from the database's.</returns>
    public async Task<TimeSpan> SynchronizeAsync(CancellationToken cancellationToken)
    {
        // Waiting for a connection is no part of the question's way, of which half is believed.
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand("select clock_timestamp()", connection);
        var before = System.GetTimestamp();
        var answered = (DateTime)(await command.ExecuteScalarAsync(cancellationToken))!;
        var after = System.GetTimestamp();
        var machine = System.GetUtcNow();
        var now = new DateTimeOffset(DateTime.SpecifyKind(answered, DateTimeKind.Utc)) + System.GetElapsedTime(before, after) / 2;
        // From the moment of the answer on: a thread that has to wait here must not put the clock back by as much.
        reading = new Reading(now, machine, after);
        return now - machine;
    }

    private sealed record Reading(DateTimeOffset Database, DateTimeOffset Machine, long At);
}
