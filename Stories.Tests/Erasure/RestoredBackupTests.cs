using System.Security.Cryptography;
using System.Text;
using Azure.Storage.Blobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Age;
using Stories.Core.Blobs;
using Stories.Core.Keys;
using Stories.Tests.Fixtures;
using Stories.Worker.Keys;

namespace Stories.Tests.Erasure;

/// <summary>
/// Somebody who has a copy of the whole database from before a bucket's end, of all its ciphertext, even the audience's key,
/// and who later gets hold of the running service.
/// </summary>
public sealed class RestoredBackupTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rows_and_ciphertext_from_before_the_end_open_nothing_after_it()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var story = (await alice.PostAsync([Samples.Photo], caption: "secret", cancellationToken: Cancel)).Story;
        await service.ProcessAsync(story, Cancel);
        var (row, bucket, rendition) = await service.ReadAsync(async db => (
            await db.Stories.AsNoTracking().SingleAsync(Cancel), await db.Buckets.AsNoTracking().SingleAsync(Cancel), await db.Renditions.AsNoTracking().FirstAsync(Cancel)));
        var container = service.Worker.GetRequiredService<BlobServiceClient>().GetBlobContainerClient(bucket.Container);
        var ciphertext = (await container.GetBlobClient(rendition.BlobName).DownloadContentAsync(Cancel)).Value.Content.ToArray();
        using var epoch = await alice.Audiences.OpenEpochAsync(row.AudienceId, row.Epoch, Cancel);

        // Before the end the copy opens: the test knows how.
        using (var identity = AgeIdentity.Parse(Encoding.ASCII.GetString(AgeFile.Decrypt(Unwrap((await KeyAsync())!.Value), epoch))))
            Assert.Equal("RIFF"u8, AgeFile.Decrypt(ciphertext, identity).AsSpan(0, 4));

        await service.LetEverythingEndAsync();

        Assert.Null(await KeyAsync());
        Assert.Null(await service.Worker.GetRequiredService<BucketBlobs>().ReadKeyAsync(bucket.Container, Cancel));
        // The envelope without its wrapping is what an attacker would need: under any other key it does not open.
        var guess = new BucketKeys.BucketKey(RandomNumberGenerator.GetBytes(32));
        Assert.ThrowsAny<CryptographicException>(() => Unwrap(guess));
        Assert.Throws<AgeException>(() => AgeFile.Decrypt(row.KeyEnvelope!, epoch));

        async Task<BucketKeys.BucketKey?> KeyAsync() => await service.Worker.GetRequiredService<BucketKeys>().FindAsync(bucket.Container, bucket.EndsAt, Cancel);
        byte[] Unwrap(BucketKeys.BucketKey key) => key.Unwrap(story, SealedField.KeyEnvelope, row.KeyEnvelope);
    }

    [Fact]
    public async Task A_copied_upload_and_its_wrapped_key_open_nothing_once_the_ring_has_turned_past_them()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        var (upload, key) = await service.ReadAsync(async db => (await db.Uploads.AsNoTracking().SingleAsync(Cancel), await db.ProcessingKeys.AsNoTracking().SingleAsync(Cancel)));
        await using var blob = await service.Worker.GetRequiredService<IngestBlobs>().OpenReadAsync(upload.BlobName, Cancel);
        using var copy = new MemoryStream();
        await blob!.CopyToAsync(copy, Cancel);

        // Before: row, ciphertext and folder together open it.
        var encryption = service.Worker.GetRequiredService<KeyEncryptionKeys>();
        using (var identity = AgeIdentity.Parse(Encoding.ASCII.GetString(encryption.Unwrap(key.WrappedBy, key.Wrapped, key.Id)!)))
            Assert.NotEmpty(AgeFile.Decrypt(copy.ToArray(), identity));

        // The sweep turns the ring day by day.
        for (var hours = 6; hours <= KeyEncryptionKeys.Life.TotalHours; hours += 6)
        {
            service.Clock.MoveTo(key.MadeAt + TimeSpan.FromHours(hours) + TimeSpan.FromMinutes(1));
            await service.SweepAsync();
        }

        Assert.True(service.Clock.GetUtcNow() > key.MadeAt + ProcessingKey.Life);
        Assert.Null(encryption.Unwrap(key.WrappedBy, key.Wrapped, key.Id));
        Assert.Equal(0, await service.ReadAsync(db => db.ProcessingKeys.CountAsync(k => k.Id == key.Id, Cancel)));
    }
}
