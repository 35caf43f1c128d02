using Azure.Storage.Blobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Stories.Core.Blobs;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Worker.Keys;

namespace Stories.Tests.Erasure;

public sealed class ErasureTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private UserSession alice = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers);
        alice = service.User("alice");
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Theory]
    [InlineData("12:00:00", "12:00:00")]
    [InlineData("12:00:00.001", "12:05:00")]
    [InlineData("12:04:59.999", "12:05:00")]
    public void A_bucket_ends_at_the_first_full_width_at_which_all_in_it_has_expired(string expires, string ends) => Assert.Equal(
        DateTimeOffset.Parse($"2026-01-01T{ends}Z", System.Globalization.CultureInfo.InvariantCulture),
        Bucket.EndFor(DateTimeOffset.Parse($"2026-01-01T{expires}Z", System.Globalization.CultureInfo.InvariantCulture), TimeSpan.FromMinutes(5)));

    [Fact]
    public async Task Erasing_is_repeatable_from_every_step_and_by_two_at_once()
    {
        var posted = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        var waiting = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        var bucket = await service.ReadAsync(db => db.Buckets.FirstAsync(Cancel));
        service.Clock.MoveTo(waiting.ExpiresAt + TimeSpan.FromMinutes(2));

        // As if an earlier run had been cut off: sealed, container gone, rows still there.
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("update buckets set state = 'Sealed', sealed_at = now(), stories = 2, blobs = 2, bytes = 7"));
        await service.Worker.GetRequiredService<BucketBlobs>().DeleteContainerAsync(bucket.Container, Cancel);
        await Task.WhenAll(EraseAsync(bucket.Id), EraseAsync(bucket.Id));
        await EraseAsync(bucket.Id);

        var record = await service.ReadAsync(db => db.Buckets.FirstAsync(b => b.Id == bucket.Id, Cancel));
        Assert.Equal((BucketState.Erased, 2, 2, 7L), (record.State, record.Stories, record.Blobs, record.Bytes));
        await service.SweepAsync();
        Assert.Equal(0, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
        Assert.All(await service.ReadAsync(db => db.Uploads.ToListAsync(Cancel)), u => Assert.True(u.BytesGoneAt is not null && u.StoryId is null));
    }

    [Fact]
    public async Task A_bucket_is_not_erased_before_its_end()
    {
        var posted = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        await EraseAsync(await service.ReadAsync(db => db.Buckets.Select(b => b.Id).SingleAsync(Cancel)));
        Assert.Equal(StoryState.Live, (await alice.Client.WatchProgressAsync(posted.Story, Cancel)).State);
    }

    [Fact]
    public async Task Work_that_outlives_its_bucket_publishes_nothing_and_makes_nothing()
    {
        var posted = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(1), cancellationToken: Cancel);
        var bucket = await service.ReadAsync(db => db.Buckets.SingleAsync(Cancel));
        await service.LetEverythingEndAsync();
        await service.TakeTurnAsync(Lane.Photo, cancellationToken: Cancel);
        Assert.False(await service.Worker.GetRequiredService<BucketBlobs>().ContainerExistsAsync(bucket.Container, Cancel));
        Assert.Equal(0, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
        Assert.NotEqual(Guid.Empty, posted.Story);
    }

    [Fact]
    public async Task A_story_that_expires_before_it_was_processed_is_never_shown_and_leaves_nothing()
    {
        var posted = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(1), cancellationToken: Cancel);
        service.Clock.MoveTo(posted.ExpiresAt);
        await service.ProcessAsync(posted.Story, Cancel);
        var row = await service.ReadAsync(db => db.Stories.SingleAsync(Cancel));
        Assert.Equal((StoryState.ExpiredBeforeLive, null, null), (row.State, row.Manifest, row.KeyEnvelope));
        Assert.NotNull(await service.ReadAsync(db => db.Uploads.Select(u => u.BytesGoneAt).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task Sealing_and_publishing_at_once_never_leave_a_row_in_a_dead_bucket()
    {
        // The barrier: a transaction that holds the bucket as publishing does, while sealing waits for it; then the other way round.
        await using var source = NpgsqlDataSource.Create(service.Database);
        var publishing = await new Publishing(service, alice).PrepareAsync();
        await publishing.PublishAsync(publishing.Request());
        var bucket = await service.ReadAsync(db => db.Buckets.SingleAsync(Cancel));

        await using (var holder = await source.OpenConnectionAsync(Cancel))
        {
            await using var transaction = await holder.BeginTransactionAsync(Cancel);
            await using (var hold = new NpgsqlCommand("select 1 from buckets where id = $1 and state = 'Open' for share", holder, transaction) { Parameters = { new() { Value = bucket.Id } } })
                Assert.NotNull(await hold.ExecuteScalarAsync(Cancel));
            service.Clock.MoveTo(bucket.EndsAt);
            var erasing = EraseAsync(bucket.Id);
            await WaitForLockAsync(source);
            Assert.False(erasing.IsCompleted);
            await using (var add = new NpgsqlCommand("insert into seen (story_id, bucket_id, app, \"user\") select id, bucket_id, 'chat', 'late' from stories where bucket_id = $1", holder, transaction) { Parameters = { new() { Value = bucket.Id } } })
                Assert.Equal(1, await add.ExecuteNonQueryAsync(Cancel));
            await transaction.CommitAsync(Cancel);
            await erasing;
        }
        Assert.Equal((0, 0), (await service.ReadAsync(db => db.Stories.CountAsync(Cancel)), await service.ReadAsync(db => db.Seen.CountAsync(Cancel))));

        // Sealed first: whoever wants to publish into it finds nothing to hold.
        await using var late = source.CreateCommand("select 1 from buckets where id = $1 and state = 'Open' for share");
        late.Parameters.AddWithValue(bucket.Id);
        Assert.Null(await late.ExecuteScalarAsync(Cancel));
    }

    [Fact]
    public async Task What_a_backup_and_copied_ciphertext_held_opens_no_more_after_the_end()
    {
        var posted = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(10), cancellationToken: Cancel);
        var upload = await service.ReadAsync(db => db.Uploads.SingleAsync(Cancel));
        await using var scope = service.Worker.CreateAsyncScope();
        var ring = scope.ServiceProvider.GetRequiredService<ProcessingKeyRing>();
        using (var alive = await ring.OpenAsync(upload.ProcessingKeyId, Cancel)) Assert.NotNull(alive);
        await service.ProcessAsync(posted.Story, Cancel);
        var backup = await service.ReadAsync(async db => (Story: await db.Stories.AsNoTracking().SingleAsync(Cancel), Key: await db.ProcessingKeys.AsNoTracking().SingleAsync(Cancel), Bucket: await db.Buckets.AsNoTracking().SingleAsync(Cancel)));

        service.Clock.Advance(TimeSpan.FromDays(4));
        await service.SweepAsync();

        // The bucket's key was only ever in its container; the processing key only ever under a key that is no more.
        Assert.Null(await service.Worker.GetRequiredService<BucketBlobs>().ReadKeyAsync(backup.Bucket.Container, Cancel));
        Assert.Null(await service.Worker.GetRequiredService<BucketKeys>().FindAsync(backup.Bucket.Container, backup.Bucket.EndsAt, Cancel));
        Assert.Null(await service.Api.GetRequiredService<BucketKeys>().FindAsync(backup.Bucket.Container, backup.Bucket.EndsAt, Cancel));
        Assert.Null(service.Worker.GetRequiredService<KeyEncryptionKeys>().Unwrap(backup.Key.WrappedBy, backup.Key.Wrapped, backup.Key.Id));
        Assert.Null(await ring.OpenAsync(backup.Key.Id, Cancel));
        // What the rows hold is not the key envelope itself.
        Assert.Equal(-1, backup.Story.KeyEnvelope!.AsSpan().IndexOf("age-encryption.org"u8));
    }

    [Fact]
    public async Task No_container_of_an_ended_bucket_is_left_in_storage()
    {
        for (var i = 0; i < 3; i++)
        {
            var posted = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(2 + 3 * i), cancellationToken: Cancel);
            await service.ProcessAsync(posted.Story, Cancel);
        }
        await service.LetEverythingEndAsync();
        var containers = new List<string>();
        await foreach (var container in service.Api.GetRequiredService<BlobServiceClient>().GetBlobContainersAsync(cancellationToken: Cancel))
            if (container.Name.Contains(service.Settings["Blobs:Deployment"]!, StringComparison.Ordinal)) containers.Add(container.Name);
        Assert.Equal([BlobNames.Ingest(service.Settings["Blobs:Deployment"]!)], containers);
    }

    private async Task EraseAsync(Guid bucket)
    {
        await using var scope = service.Worker.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<IEraseBucket>().RunAsync(bucket, Cancel);
    }

    private static async Task WaitForLockAsync(NpgsqlDataSource source)
    {
        while (true)
        {
            await using var command = source.CreateCommand("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()");
            if ((long)(await command.ExecuteScalarAsync(Cancel))! > 0) return;
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancel);
        }
    }
}
