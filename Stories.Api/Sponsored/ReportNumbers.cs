using Npgsql;
using Stories.Core.Sponsored;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary>Reads sums of counters, by line and UTC day.</summary>
internal sealed class ReportNumbers(NpgsqlDataSource database)
{
    /// <summary>A counter that no report needs to know of anything but its sum.</summary>
    private static readonly Dictionary<ReportBy, string> Keys = new()
    {
        [ReportBy.Total] = "''",
        [ReportBy.Day] = "''",
        [ReportBy.Hour] = "to_char(hour at time zone 'utc', 'HH24')",
        [ReportBy.Cell] = "cell",
        [ReportBy.Creative] = "creative",
    };

    /// <returns>By line, day and part of it; without what was never counted.</returns>
    public async Task<Dictionary<(Guid Line, DateOnly Day), Dictionary<string, Sums>>> ReadAsync(Guid[] lines, DateOnly from, DateOnly to, ReportBy by, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"""
            select line_id, (hour at time zone 'utc')::date, {Keys[by]}, counter, sum(value)::bigint from counts
            where line_id = any ($1) and hour >= $2 and hour < $3 group by 1, 2, 3, 4
            """);
        command.Parameters.Add(new() { Value = lines });
        command.Parameters.Add(new() { Value = Midnight(from) });
        command.Parameters.Add(new() { Value = Midnight(to.AddDays(1)) });
        var days = new Dictionary<(Guid, DateOnly), Dictionary<string, Sums>>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var day = (reader.GetGuid(0), reader.GetFieldValue<DateOnly>(1));
            if (!days.TryGetValue(day, out var parts)) days[day] = parts = [];
            if (!parts.TryGetValue(reader.GetString(2), out var sums)) parts[reader.GetString(2)] = sums = new Sums();
            sums.Add(reader.GetString(3), reader.GetInt64(4));
        }
        return days;
    }

    /// <summary>Of the whole life of each: an ordinal may have come on another day than the one before it.</summary>
    public async Task<Dictionary<Guid, Sums>> ReadOrdinalsAsync(Guid[] lines, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select line_id, counter, sum(value)::bigint from counts where line_id = any ($1) and counter like 'ordinal.%' group by 1, 2");
        command.Parameters.Add(new() { Value = lines });
        var lives = lines.ToDictionary(line => line, _ => new Sums());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken)) lives[reader.GetGuid(0)].Add(reader.GetString(1), reader.GetInt64(2));
        return lives;
    }

    /// <summary>Since when records may wait that are not counted yet; null: there are none.</summary>
    public async Task<DateTimeOffset?> UncountedSinceAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select min(opened_at) from record_pools");
        return await command.ExecuteScalarAsync(cancellationToken) is DateTime since ? new DateTimeOffset(since) : null;
    }

    public static DateTimeOffset Midnight(DateOnly day) => new(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
}
