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
    public async Task Two_makers_at_once_make_one_key()
    {
        var (database, _) = await servers.CreateStoreAsync();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => TurnAsync(database)));

        Assert.Single(await KeysAsync(database));
    }

    [Fact]
    public async Task A_new_key_is_made_when_the_newest_is_six_hours_old_and_not_before()
    {
        var (database, _) = await servers.CreateStoreAsync();
        await TurnAsync(database);
        clock.Advance(ProcessingKey.Rotation - TimeSpan.FromMinutes(1));
        await TurnAsync(database);
        Assert.Single(await KeysAsync(database));

        clock.Advance(TimeSpan.FromMinutes(1));
        await TurnAsync(database);
        Assert.Equal(2, (await KeysAsync(database)).Count);
    }

    [Fact]
    public async Task A_key_opens_until_its_end_across_days_and_then_never_again()
    {
        var (database, _) = await servers.CreateStoreAsync();
        await TurnAsync(database);
        var first = Assert.Single(await KeysAsync(database));
        // As the sweep does, while key-encryption keys come and go.
        for (var hour = 1; hour < ProcessingKey.Life.TotalHours; hour++)
        {
            clock.MoveTo(first.MadeAt + TimeSpan.FromHours(hour));
            await TurnAsync(database);
            Assert.Equal(first.Recipient, await OpenAsync(database, first.Id));
        }

        clock.MoveTo(first.DestroyAt);
        Assert.Null(await OpenAsync(database, first.Id));
        await TurnAsync(database);
        Assert.DoesNotContain(await KeysAsync(database), k => k.Id == first.Id);
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
    public async Task Uploads_are_given_a_list_signed_by_the_published_service_key()
    {
        var (database, _) = await servers.CreateStoreAsync();
        await TurnAsync(database);
        var key = Assert.Single(await KeysAsync(database));
        await using var db = OperatorCommand.OpenDatabase(database);
        var service = await db.ServiceKeys.SingleAsync(k => k.Id == key.EntryKey, Cancel);

        Assert.True(Signatures.Verify(service.PublicKey, SignaturePurpose.ProcessingKey, key.Entry, key.EntrySignature));
        var entry = StoriesJson.ReadCanonical<ProcessingKeyEntry>(key.Entry)!;
        Assert.Equal((key.Id, key.Recipient, key.NotAfter.ToUnixTimeSeconds()), (entry.Id, entry.Recipient, entry.NotAfter));
    }

    [Fact]
    public async Task Workers_that_share_a_folder_sign_as_one_service()
    {
        var (database, _) = await servers.CreateStoreAsync();
        await TurnAsync(database);
        await TurnAsync(database);

        await using var db = OperatorCommand.OpenDatabase(database);
        Assert.Single(await db.ServiceKeys.ToListAsync(Cancel));
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
