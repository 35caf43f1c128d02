using Microsoft.EntityFrameworkCore;
using Stories.Api.Operating;
using Stories.Core.Faults;
using Stories.Core.Keys;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Worker.Keys;

namespace Stories.Tests.Keys;

public sealed class ProcessingKeyRingTests(LocalServers servers) : IDisposable
{
    private readonly KeyFolder folder = new();
    private readonly TestClock clock = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Every_key_opens_until_its_end_while_what_wraps_it_comes_and_goes_and_then_never_again()
    {
        var (database, _) = await servers.CreateStoreAsync();
        var start = clock.GetUtcNow();
        // Three days of sweeps: keys made early and late in the day of what wraps them. No life is a multiple of 61 minutes, so none ends at a look.
        for (var turn = 0; turn <= 72; turn++)
        {
            clock.MoveTo(start + turn * TimeSpan.FromMinutes(61));
            await TurnAsync(database);
            foreach (var key in await KeysAsync(database)) Assert.Equal(key.Recipient, await OpenAsync(database, key.Id));
        }

        var oldest = (await KeysAsync(database))[0];
        clock.MoveTo(oldest.DestroyAt);
        Assert.Null(await OpenAsync(database, oldest.Id));
        await TurnAsync(database);
        Assert.DoesNotContain(await KeysAsync(database), k => k.Id == oldest.Id);
    }

    [Fact]
    public async Task A_row_from_a_backup_opens_nothing_two_days_later()
    {
        var (database, _) = await servers.CreateStoreAsync();
        await TurnAsync(database);
        var backup = Assert.Single(await KeysAsync(database));
        clock.Advance(KeyEncryptionKeys.CurrentFor);
        await TurnAsync(database);
        clock.Advance(KeyEncryptionKeys.Life - KeyEncryptionKeys.CurrentFor);
        await TurnAsync(database);

        Assert.Null(folder.Encryption().Unwrap(backup.WrappedBy, backup.Wrapped, backup.Id));
    }

    [Fact]
    public async Task When_what_wraps_the_keys_is_lost_uploads_soon_have_one_that_opens()
    {
        var (database, _) = await servers.CreateStoreAsync();
        await TurnAsync(database);
        foreach (var file in folder.Files.Where(f => f.StartsWith("kek-", StringComparison.Ordinal)).ToList()) File.Delete(Path.Combine(folder.Path, file));
        clock.Advance(TimeSpan.FromMinutes(5));
        await TurnAsync(database);

        var keys = await KeysAsync(database);
        Assert.Equal(2, keys.Count);
        await Assert.ThrowsAsync<KeyAwayException>(() => OpenAsync(database, keys[0].Id));
        Assert.Equal(keys[1].Recipient, await OpenAsync(database, keys[1].Id));
        clock.Advance(TimeSpan.FromMinutes(30));
        await TurnAsync(database);
        Assert.Equal(2, (await KeysAsync(database)).Count);
    }

    [Fact]
    public async Task The_newest_key_is_one_that_opens_though_an_older_one_does()
    {
        var (database, _) = await servers.CreateStoreAsync();
        using var apart = new KeyFolder();
        await TurnAsync(database);
        clock.Advance(ProcessingKey.Rotation);
        Directory.CreateDirectory(apart.Path);
        foreach (var file in folder.Files.Where(f => !f.StartsWith("kek-", StringComparison.Ordinal))) File.Copy(Path.Combine(folder.Path, file), Path.Combine(apart.Path, file));
        await TurnAsync(database, apart);
        clock.Advance(TimeSpan.FromMinutes(5));
        await TurnAsync(database);

        Assert.NotNull(await OpenAsync(database, (await KeysAsync(database))[^1].Id));
    }

    [Fact]
    public async Task Workers_that_lack_each_others_keys_do_not_flood_the_database_with_new_ones()
    {
        var (database, _) = await servers.CreateStoreAsync();
        using var apart = new KeyFolder();
        await TurnAsync(database);
        Directory.CreateDirectory(apart.Path);
        foreach (var file in folder.Files.Where(f => !f.StartsWith("kek-", StringComparison.Ordinal))) File.Copy(Path.Combine(folder.Path, file), Path.Combine(apart.Path, file));
        for (var turn = 0; turn < 40; turn++)
        {
            clock.Advance(TimeSpan.FromSeconds(15));
            await TurnAsync(database, turn % 2 == 0 ? apart : folder);
        }
        // Ten minutes.
        Assert.InRange((await KeysAsync(database)).Count, 2, 3);
    }

    private Task TurnAsync(string database) => TurnAsync(database, folder);

    private async Task TurnAsync(string database, KeyFolder folder)
    {
        await using var db = OperatorCommand.OpenDatabase(database);
        using var signer = folder.Signer();
        await new ProcessingKeyRing(db, folder.Encryption(), signer, clock).TurnAsync(Cancel);
    }

    private async Task<string?> OpenAsync(string database, Guid id)
    {
        await using var db = OperatorCommand.OpenDatabase(database);
        using var signer = folder.Signer();
        using var identity = await new ProcessingKeyRing(db, folder.Encryption(), signer, clock).OpenAsync(id, Cancel);
        return identity?.Recipient.ToString();
    }

    private static async Task<List<ProcessingKey>> KeysAsync(string database)
    {
        await using var db = OperatorCommand.OpenDatabase(database);
        return await db.ProcessingKeys.AsNoTracking().OrderBy(k => k.MadeAt).ToListAsync(Cancel);
    }
}
