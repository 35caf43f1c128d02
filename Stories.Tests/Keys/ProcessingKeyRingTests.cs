using Microsoft.EntityFrameworkCore;
using Stories.Api.Operating;
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

    private async Task TurnAsync(string database)
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
