using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Stories.Core.Sponsored;

namespace Stories.Core.Data;

/// <summary>
/// Puts records among those that wait, and closes what is full or has waited for long. There is one open pool, whoever writes: the
/// more writers, the more wait together.
/// </summary>
public sealed class RecordPools(NpgsqlDataSource database, IOptions<RecordOptions> options)
{
    // The order is that of the entries' own random first bytes. Written by the database from what it has: it need not travel.
    private const string Add = """
        insert into record_pools as pool (id, is_open, opened_at, entries) values ($1, true, $2, (select array_agg(entry order by entry) from unnest($3) as entry))
        on conflict (is_open) where is_open do update set entries = (select array_agg(entry order by entry) from unnest(pool.entries || excluded.entries) as entry)
        returning cardinality(entries)
        """;

    /// <summary>All of them, or none when it throws.</summary>
    public async Task AddAsync(IReadOnlyCollection<byte[]> entries, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var add = new NpgsqlCommand(Add, connection)
        {
            Parameters = { new() { Value = Guid.NewGuid() }, new() { Value = now }, new() { Value = entries.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea } },
        };
        var waiting = (int)(await add.ExecuteScalarAsync(cancellationToken))!;
        if (waiting >= options.Value.ReleaseAt) await CloseAsync(connection, null, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Lets go of what has waited long enough, with nothing that remains.</summary>
    public async Task CloseDueAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await CloseAsync(connection, now - options.Value.ReleaseAfter, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <param name="openedBefore">Null: because it is full.</param>
    private async Task CloseAsync(NpgsqlConnection connection, DateTimeOffset? openedBefore, CancellationToken cancellationToken)
    {
        byte[][] entries;
        Guid id;
        DateTimeOffset openedAt;
        await using (var read = new NpgsqlCommand("select id, opened_at, entries from record_pools where is_open and opened_at <= coalesce($1, 'infinity') for update", connection)
        {
            Parameters = { new() { Value = openedBefore ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz } },
        })
        await using (var reader = await read.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken)) return;
            (id, openedAt, entries) = (reader.GetGuid(0), reader.GetFieldValue<DateTimeOffset>(1), reader.GetFieldValue<byte[][]>(2));
        }

        RandomNumberGenerator.Shuffle(entries.AsSpan());
        var remain = openedBefore is null ? Math.Min(options.Value.Remain, options.Value.ReleaseAt - 1) : 0;
        await using var write = new NpgsqlBatch(connection);
        // Those that remain came after the same moment, and go with it: chance keeps none of them longer than ReleaseAfter.
        write.BatchCommands.Add(remain == 0
            ? new("delete from record_pools where id = $1") { Parameters = { new() { Value = id } } }
            : new("update record_pools set entries = $2 where id = $1") { Parameters = { new() { Value = id }, Sorted(entries[..remain]) } });
        write.BatchCommands.Add(new("insert into record_pools (id, is_open, opened_at, entries) values ($1, false, $2, $3)")
        {
            Parameters = { new() { Value = Guid.NewGuid() }, new() { Value = openedAt }, Sorted(entries[remain..]) },
        });
        await write.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlParameter Sorted(byte[][] entries) =>
        new() { Value = entries.OrderBy(Convert.ToHexString, StringComparer.Ordinal).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };
}
