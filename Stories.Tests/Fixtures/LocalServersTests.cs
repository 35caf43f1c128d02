using Azure.Storage.Blobs;
using Npgsql;

namespace Stories.Tests.Fixtures;

public sealed class LocalServersTests(LocalServers servers)
{
    private static int _migrations;

    [Fact]
    public async Task A_database_answers_and_is_nobody_elses()
    {
        var one = await servers.CreateDatabaseAsync();
        var other = await servers.CreateDatabaseAsync();

        await ExecuteAsync(one, "create table t (n int)");

        Assert.Equal("18.4", await ScalarAsync(one, "show server_version"));
        Assert.Equal(1L, await ScalarAsync(one, "select count(*) from pg_tables where tablename = 't'"));
        Assert.Equal(0L, await ScalarAsync(other, "select count(*) from pg_tables where tablename = 't'"));
    }

    [Fact]
    public async Task A_template_is_migrated_once_and_every_copy_is_its_own()
    {
        var copies = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => servers.UseTemplateAsync(MigrateAsync)));

        Assert.Equal(1, _migrations);
        foreach (var copy in copies)
        {
            await ExecuteAsync(copy, "insert into migrated values (1)");
            Assert.Equal(1L, await ScalarAsync(copy, "select count(*) from migrated"));
        }
    }

    [Fact]
    public async Task A_blob_comes_back_as_it_went()
    {
        var service = new BlobServiceClient(servers.BlobConnectionString, new BlobClientOptions(BlobClientOptions.ServiceVersion.V2026_06_06));
        var container = service.GetBlobContainerClient($"fixture-{Guid.NewGuid():n}");
        await container.CreateAsync(cancellationToken: TestContext.Current.CancellationToken);
        var blob = container.GetBlobClient("there");

        await blob.UploadAsync(BinaryData.FromString("and back"), TestContext.Current.CancellationToken);
        var back = await blob.DownloadContentAsync(TestContext.Current.CancellationToken);

        Assert.Equal("and back", back.Value.Content.ToString());
    }

    [Fact]
    public async Task Servers_and_their_folder_are_gone_when_standard_input_closes()
    {
        var process = ServerProcess.Start();
        var connection = new NpgsqlConnectionStringBuilder(process.Postgres) { Pooling = false }.ConnectionString;
        Assert.Equal(1, await ScalarAsync(connection, "select 1"));

        await process.DisposeAsync();

        Assert.False(Directory.Exists(process.Folder));
        await Assert.ThrowsAsync<NpgsqlException>(() => ScalarAsync(connection, "select 1"));
    }

    private static async Task MigrateAsync(string connection)
    {
        Interlocked.Increment(ref _migrations);
        await ExecuteAsync(connection, "create table migrated (n int)");
    }

    private static async Task ExecuteAsync(string connection, string sql) => await ScalarAsync(connection, sql);

    private static async Task<object?> ScalarAsync(string connection, string sql)
    {
        await using var database = NpgsqlDataSource.Create(connection);
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
