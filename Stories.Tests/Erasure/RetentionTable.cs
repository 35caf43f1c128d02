using System.Text.RegularExpressions;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <param name="Where">What stands in code marks: tables, and other places.</param>
/// <param name="HowLong">As it stands there.</param>
internal sealed record Kept(string Data, IReadOnlyList<string> Where, string HowLong, string ByWhom)
{
    /// <summary>It does not go by itself.</summary>
    public bool Stays => HowLong.StartsWith("until removed", StringComparison.Ordinal) || HowLong.Contains("for good", StringComparison.Ordinal);
}

/// <summary>What docs/operations.md says of how long what stays.</summary>
internal static partial class RetentionTable
{
    private const string Heading = "## How long what stays";

    public static IReadOnlyList<Kept> Read()
    {
        var section = File.ReadAllText(Repository.Path("docs", "operations.md")).Split(Heading)[1].Split("\n## ")[0];
        return [.. section.Split('\n').Where(line => line.StartsWith('|')).Skip(2).Select(Parse)];
    }

    /// <summary>Tables that nothing is said of, and that do not go with a story or a bucket by themselves.</summary>
    public static async Task<IReadOnlyList<string>> FindUnspokenAsync(string database, CancellationToken cancellationToken)
    {
        var spoken = Read().SelectMany(kept => kept.Where).ToHashSet();
        // Deleting a story or a bucket takes these along, and what hangs on them.
        var along = await Tables.ReadAsync(database, """
            with recursive along as (
                select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relname in ('stories', 'buckets')
                union
                select f.conrelid from pg_constraint f join along on f.confrelid = along.oid where f.contype = 'f' and f.confdeltype = 'c'
            )
            select c.relname::text from along join pg_class c on c.oid = along.oid
            where exists (select 1 from information_schema.columns where table_schema = 'public' and table_name = c.relname and column_name = 'bucket_id')
            """, cancellationToken);
        return [.. (await Tables.NamesAsync(database, cancellationToken)).Where(table => !spoken.Contains(table) && !along.Contains(table))];
    }

    private static Kept Parse(string line)
    {
        var cells = line.Trim('|', ' ').Split('|', StringSplitOptions.TrimEntries);
        return new Kept(cells[0], [.. InMarks().Matches(cells[1]).Select(match => match.Groups[1].Value)], cells[2], cells[3]);
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex InMarks();
}
