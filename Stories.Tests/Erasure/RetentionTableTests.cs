using Microsoft.EntityFrameworkCore;
using Stories.Api.Operating;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>No table without a word on how long what is in it stays.</summary>
public sealed class RetentionTableTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_table_is_in_the_retention_table_or_dies_with_its_bucket()
    {
        var (database, _) = await servers.CreateStoreAsync();
        Assert.Empty(await RetentionTable.FindUnspokenAsync(database, Cancel));
    }

    [Fact]
    public async Task A_table_that_nobody_thought_of_is_found_unless_it_dies_with_its_bucket()
    {
        var (database, _) = await servers.CreateStoreAsync();
        await using var db = OperatorCommand.OpenDatabase(database);
        await db.Database.ExecuteSqlRawAsync("""
            create table receipts (story_id uuid references stories on delete cascade, bucket_id uuid not null);
            create table forgotten (story_id uuid, bucket_id uuid);
            create table unbucketed (story_id uuid references stories on delete cascade);
            create table hangfire.forgotten (id int);
            """, Cancel);

        Assert.Equal(["forgotten", "hangfire.forgotten", "unbucketed"], await RetentionTable.FindUnspokenAsync(database, Cancel));
    }

    [Fact]
    public async Task The_retention_table_speaks_of_no_table_that_is_not_there()
    {
        var (database, _) = await servers.CreateStoreAsync();
        var tables = await Tables.NamesAsync(database, Cancel);
        var model = await ModelAsync(database);
        Assert.All(model, table => Assert.Contains(table, tables));
        var spoken = RetentionTable.Read().SelectMany(kept => kept.Where)
            .Where(name => name.StartsWith("hangfire.", StringComparison.Ordinal) || (name.All(c => char.IsAsciiLetterLower(c) || c == '_') && name.Length > 3));
        Assert.All(spoken, name => Assert.Contains(name, tables));
        Assert.True(spoken.Count() > 25);
    }

    private static async Task<List<string>> ModelAsync(string database)
    {
        await using var db = OperatorCommand.OpenDatabase(database);
        return [.. db.Model.GetEntityTypes().Select(type => type.GetTableName()!).Distinct()];
    }
}
