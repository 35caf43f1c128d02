using Npgsql;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Data;

/// <summary>Finds the catalog that a cell is handed, and keeps how often each was asked for.</summary>
public sealed class CellCatalogs(NpgsqlDataSource database)
{
    /// <summary>The cell's own, or that of the smallest which it was merged into.</summary>
    public async Task<SignedRecord?> FindAsync(Cell cell, long epoch, CancellationToken cancellationToken)
    {
        string[] names = [cell.ToString(), (cell with { Language = null }).ToString(), (cell with { Language = null, Country = null }).ToString()];
        await using var find = database.CreateCommand("""
            select bytes, signature, key from catalogs where cell = any($1) and epoch = $2 and not is_dropped and length(bytes) > 0
            order by array_position($1, cell), revision desc limit 1
            """);
        find.Parameters.Add(new NpgsqlParameter { Value = names });
        find.Parameters.Add(new NpgsqlParameter { Value = epoch });
        await using var reader = await find.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new SignedRecord(await reader.GetFieldValueAsync<byte[]>(0, cancellationToken), await reader.GetFieldValueAsync<byte[]>(1, cancellationToken), reader.GetString(2))
            : null;
    }

    /// <param name="fetches">By cell and hour, as devices asked.</param>
    public async Task AddFetchesAsync(IReadOnlyCollection<(Cell Cell, DateTimeOffset Hour, long Fetches)> fetches, CancellationToken cancellationToken)
    {
        if (fetches.Count == 0) return;
        await using var add = database.CreateCommand("""
            insert into cell_hours as h (cell, hour, fetches, opportunities) select cell, hour, fetches, 0 from unnest($1, $2, $3) as new (cell, hour, fetches) order by cell, hour
            on conflict (cell, hour) do update set fetches = h.fetches + excluded.fetches
            """);
        add.Parameters.Add(new NpgsqlParameter { Value = fetches.Select(f => f.Cell.ToString()).ToArray() });
        add.Parameters.Add(new NpgsqlParameter { Value = fetches.Select(f => f.Hour).ToArray() });
        add.Parameters.Add(new NpgsqlParameter { Value = fetches.Select(f => f.Fetches).ToArray() });
        await add.ExecuteNonQueryAsync(cancellationToken);
    }
}
