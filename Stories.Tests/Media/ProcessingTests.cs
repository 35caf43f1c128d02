using Azure.Storage.Blobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Age;
using Stories.Client;
using Stories.Core.Jobs;
using Stories.Core.Media;
using Stories.Core.Posting;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using Stories.Worker.Media;
using Stories.Worker.Processing;

namespace Stories.Tests.Media;

public sealed class ProcessingTests(LocalServers servers) : IAsyncLifetime
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

    public static TheoryData<string, string> BadUploads => new()
    {
        { "another key", ProblemCodes.MediaNotDecryptable },
        { "truncated", ProblemCodes.MediaTruncated },
        { "a flipped bit", ProblemCodes.MediaTruncated },
        { "not age", ProblemCodes.MediaHeaderRefused },
        { "passphrase", ProblemCodes.MediaHeaderRefused },
        { "three stanzas", ProblemCodes.MediaHeaderRefused },
        { "another digest", ProblemCodes.MediaDigestMismatch },
        { "another lane", MediaCodes.WrongLane },
    };

    [Theory]
    [MemberData(nameof(BadUploads))]
    public async Task An_upload_that_does_not_open_or_is_not_what_was_signed_is_rejected_by_its_code(string what, string code)
    {
        var key = await Tus.KeyAsync(service);
        var recipient = AgeRecipient.Parse(key.Recipient);
        using var other = AgeIdentity.Generate();
        var photo = await File.ReadAllBytesAsync(Samples.Photo, Cancel);
        var good = AgeFile.Encrypt(photo, recipient);
        var bytes = what switch
        {
            "another key" => AgeFile.Encrypt(photo, other.Recipient),
            "truncated" => good[..^100],
            "a flipped bit" => Flip(good, good.Length - 10),
            "not age" => photo,
            "passphrase" => "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 22\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n0000000000000000"u8.ToArray(),
            "three stanzas" => AgeFile.Encrypt(photo, recipient, other.Recipient, other.Recipient),
            _ => good,
        };
        var story = await PublishAsync(bytes, what == "another lane" ? "video" : "photo", what == "another digest" ? new Digest(new string('0', 64), bytes.Length) : Digest.Of(bytes), key.Id);
        await service.ProcessAsync(story, Cancel);
        var end = await alice.Client.WatchProgressAsync(story, Cancel);
        Assert.Equal((StoryState.Rejected, code), (end.State, end.Code));
        Assert.True(service.Worker.GetRequiredService<ScratchRoom>().IsEmpty);
        Assert.NotNull(await service.ReadAsync(db => db.Uploads.Select(u => u.BytesGoneAt).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task A_plain_age_file_without_our_padding_is_taken_too()
    {
        var key = await Tus.KeyAsync(service);
        var bytes = AgeFile.Encrypt(await File.ReadAllBytesAsync(Samples.Photo, Cancel), AgeRecipient.Parse(key.Recipient));
        var story = await PublishAsync(bytes, "photo", Digest.Of(bytes), key.Id);
        await service.ProcessAsync(story, Cancel);
        Assert.Equal(StoryState.Live, (await alice.Client.WatchProgressAsync(story, Cancel)).State);
    }

    [Fact]
    public async Task What_rests_in_storage_has_a_padded_size_and_opens_only_with_the_storys_key()
    {
        var posted = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        var manifest = (await alice.Viewer.OpenAsync(posted.Story, Cancel)).Renditions!;
        foreach (var rendition in await service.ReadAsync(db => db.Renditions.ToListAsync(Cancel)))
        {
            var container = await service.ReadAsync(db => db.Buckets.Select(b => b.Container).SingleAsync(Cancel));
            var blob = (await service.Api.GetRequiredService<BlobServiceClient>().GetBlobContainerClient(container).GetBlobClient(rendition.BlobName).DownloadContentAsync(Cancel)).Value.Content.ToArray();
            Assert.StartsWith("age-encryption.org/v1", System.Text.Encoding.ASCII.GetString(blob, 0, 21));
            Assert.Equal(blob.Length, rendition.Length);
            var entry = manifest.Renditions.Single(r => r.Part == rendition.Part);
            Assert.Equal(AgeFile.CiphertextLength(Padding.PaddedLength(entry.ContentLength), 1), blob.Length);
            Assert.Null(rendition.MediaType);
        }
    }

    [Fact]
    public async Task Several_uploads_become_one_story_in_their_order()
    {
        var posted = await alice.PostAsync([Samples.Photo, Samples.CompliantVideo, Samples.PathOf("photo.webp")], cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        var opened = await alice.Viewer.OpenAsync(posted.Story, Cancel);
        Assert.Equal([0, 1, 2], opened.Renditions!.Renditions.Select(r => r.Upload).Distinct().Order());
        Assert.Equal(2, opened.View.Revision);
        Assert.Equal(8, opened.View.Renditions.Count);
    }

    [Fact]
    public async Task An_authors_wishes_come_to_the_worker_as_they_were_and_come_true()
    {
        var wishes = new RenderWishes(Avif: true, Split: false, PosterAt: 1.25);
        var posted = await alice.Poster.PostAsync(new Draft([Samples.Photo], Level.Processed, TimeSpan.FromHours(1), "friends", Caption: null, wishes), (_, _) => { }, Cancel);
        Assert.Equal(wishes, (await service.Worker.GetRequiredService<StoryClaims>().TakeAsync(Lane.Photo, Cancel))?.Wishes);

        service.Clock.Advance(StoryClaims.Lease);
        await service.ProcessAsync(posted.Story, Cancel);
        var manifest = (await alice.Viewer.OpenAsync(posted.Story, Cancel)).Renditions!;
        Assert.Equal(["photo-1080", "photo-1080-avif", "photo-540", "photo-540-avif"], manifest.Renditions.Select(r => r.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Two_workers_on_one_story_publish_it_once()
    {
        var second = service.StartWorker();
        var posted = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        await Task.WhenAll(new[] { service.Worker, second }.Select(worker => service.TakeTurnAsync(Lane.Photo, worker, Cancel)));
        Assert.Equal((StoryState.Live, 1), ((await alice.Client.WatchProgressAsync(posted.Story, Cancel)).State, (await alice.Client.OpenAsync(posted.Story, Cancel)).Revision));
        Assert.Equal(3, await CountBlobsAsync());
    }

    [Fact]
    public async Task A_worker_that_wakes_up_after_its_lease_changes_nothing()
    {
        var posted = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        var claims = service.Worker.GetRequiredService<StoryClaims>();
        var sleeping = await claims.TakeAsync(Lane.Photo, Cancel);
        Assert.NotNull(sleeping);
        await service.ProcessAsync(posted.Story, Cancel);
        Assert.Equal(StoryState.Processing, (await alice.Client.WatchProgressAsync(posted.Story, Cancel)).State);

        service.Clock.Advance(StoryClaims.Lease);
        await service.ProcessAsync(posted.Story, Cancel);
        Assert.Equal(StoryState.Live, (await alice.Client.WatchProgressAsync(posted.Story, Cancel)).State);
        Assert.False(await claims.RenewAsync(sleeping, Stage.Rendering, 50, Cancel));
        Assert.False(await claims.FinishAsync(sleeping, Cancel));
    }

    [Fact]
    public async Task Work_that_kills_its_worker_each_time_is_given_up_after_three_starts()
    {
        var posted = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        var claims = service.Worker.GetRequiredService<StoryClaims>();
        for (var i = 0; i < Story.MaxAttempts; i++)
        {
            Assert.NotNull(await claims.TakeAsync(Lane.Photo, Cancel));
            service.Clock.Advance(StoryClaims.Lease);
        }
        await service.ProcessAsync(posted.Story, Cancel);
        var end = await alice.Client.WatchProgressAsync(posted.Story, Cancel);
        Assert.Equal((StoryState.Rejected, ProblemCodes.MediaFailed), (end.State, end.Code));
    }

    [Fact]
    public async Task A_graceful_stop_gives_the_attempt_back()
    {
        var posted = await alice.PostAsync([Samples.PhoneVideo], cancellationToken: Cancel);
        using var stop = new CancellationTokenSource();
        var work = service.ProcessAsync(posted.Story, stop.Token);
        while (await service.ReadAsync(db => db.Stories.Select(s => s.Attempt).SingleAsync(Cancel)) == 0) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Cancel);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work);
        var row = await service.ReadAsync(db => db.Stories.SingleAsync(Cancel));
        Assert.Equal((0, null, WorkState.Pending), (row.Attempt, row.ClaimedUntil, row.Work));
        await service.ProcessAsync(posted.Story, Cancel);
        Assert.Equal(StoryState.Live, (await alice.Client.WatchProgressAsync(posted.Story, Cancel)).State);
    }

    [Fact]
    public async Task Lost_work_is_queued_again_by_the_sweep()
    {
        await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("delete from hangfire.jobqueue"));
        service.Clock.Advance(TimeSpan.FromSeconds(11));
        await service.SweepAsync();
        Assert.Equal(1, service.Worker.GetRequiredService<QueuedTurns>().Count(Lane.Photo));
    }

    private async Task<Guid> PublishAsync(byte[] bytes, string lane, Digest digest, Guid key)
    {
        var publishing = await new Publishing(service, alice).PrepareAsync();
        using var http = service.Http("alice");
        publishing.Uploads.Add(await Tus.UploadAsync(http, key, bytes, lane));
        await publishing.PublishAsync(publishing.Request(digests: [digest]));
        return publishing.Story;
    }

    private async Task<int> CountBlobsAsync()
    {
        var container = await service.ReadAsync(db => db.Buckets.Select(b => b.Container).SingleAsync(Cancel));
        var count = 0;
        await foreach (var _ in service.Api.GetRequiredService<BlobServiceClient>().GetBlobContainerClient(container).GetBlobsAsync(cancellationToken: Cancel)) count++;
        return count;
    }

    private static byte[] Flip(byte[] bytes, int at)
    {
        var changed = bytes.ToArray();
        changed[at] ^= 1;
        return changed;
    }
}
