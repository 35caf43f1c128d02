using Npgsql;

namespace Stories.Tests.Fixtures;

/// <summary>Every table of a database, whoever made it: ours, EF's and Hangfire's.</summary>
internal static class Tables
{
    /// <returns>As the retention table calls them: of schema public without it.</returns>
    public static async Task<List<string>> NamesAsync(string database, CancellationToken cancellationToken) =>
        await ReadAsync(database, """
            select case when table_schema = 'public' then table_name else table_schema || '.' || table_name end::text
            from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema') order by 1
            """, cancellationToken);

    /// <summary>Every row with every column as text; bytes as hexadecimal.</summary>
    public static Task<List<string>> RowsAsync(string database, string table, CancellationToken cancellationToken) =>
        ReadAsync(database, $"select to_jsonb(t)::text from {string.Join('.', table.Split('.').Select(name => $"\"{name}\""))} t", cancellationToken);

    public static async Task<Dictionary<string, List<string>>> AllRowsAsync(string database, CancellationToken cancellationToken)
    {
        var rows = new Dictionary<string, List<string>>();
        foreach (var table in await NamesAsync(database, cancellationToken)) rows[table] = await RowsAsync(database, table, cancellationToken);
        return rows;
    }

    public static async Task<List<string>> ReadAsync(string database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<string>();
        while (await reader.ReadAsync(cancellationToken)) rows.Add(reader.GetString(0));
        return rows;
    }
}
