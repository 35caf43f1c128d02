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

    // The rest is drawn by the database too. A pool of which nothing remains is gone; who comes next opens another.
    private const string Close = """
        with closing as (select id, opened_at, entries from record_pools where is_open and cardinality(entries) >= $1 and opened_at <= $2 for update),
        drawn as (select entry, row_number() over (order by random()) as place from closing, unnest(closing.entries) as entry),
        closed as (
            insert into record_pools (id, is_open, opened_at, entries)
            select $4, false, opened_at, (select array_agg(entry order by entry) from drawn where place > $3) from closing)
        """;

    // Those that remain came after the same moment, and go with it: chance keeps none of them longer than ReleaseAfter.
    private const string Full = $"""
        {Close}
        update record_pools pool set entries = (select array_agg(entry order by entry) from drawn where place <= $3) from closing where pool.id = closing.id
        """;

    private const string Due = $"""
        {Close}
        delete from record_pools pool using closing where pool.id = closing.id
        """;

    /// <summary>All of them, or none when it throws.</summary>
    /// <returns>Whether the pool is full.</returns>
    public async Task<bool> AddAsync(IReadOnlyCollection<byte[]> entries, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var add = database.CreateCommand(Add);
        add.Parameters.Add(new() { Value = Guid.NewGuid() });
        add.Parameters.Add(new() { Value = now });
        add.Parameters.Add(new() { Value = entries.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        return (int)(await add.ExecuteScalarAsync(cancellationToken))! >= options.Value.ReleaseAt;
    }

    /// <summary>Lets go of a full pool, but for those that remain.</summary>
    public Task CloseFullAsync(CancellationToken cancellationToken)
    {
        var remain = Math.Min(options.Value.Remain, options.Value.ReleaseAt - 1);
        return CloseAsync(remain == 0 ? Due : Full, options.Value.ReleaseAt, DateTimeOffset.MaxValue, remain, cancellationToken);
    }

    /// <summary>Lets go of what has waited long enough, with nothing that remains.</summary>
    public Task CloseDueAsync(DateTimeOffset now, CancellationToken cancellationToken) => CloseAsync(Due, 1, now - options.Value.ReleaseAfter, 0, cancellationToken);

    private async Task CloseAsync(string sql, int least, DateTimeOffset openedBefore, int remain, CancellationToken cancellationToken)
    {
        await using var close = database.CreateCommand(sql);
        close.Parameters.Add(new() { Value = least });
        close.Parameters.Add(new() { Value = openedBefore, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        close.Parameters.Add(new() { Value = remain });
        close.Parameters.Add(new() { Value = Guid.NewGuid() });
        await close.ExecuteNonQueryAsync(cancellationToken);
    }
}
