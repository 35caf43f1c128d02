using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Client;
using Stories.Core.Blobs;
using Stories.Core.Erasure;
using Stories.Core.Posting;
using Stories.Core.Uploads;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Journeys;

/// <summary>Real Apis and Workers, killed as a power cut would at named places, and what a second one finds.</summary>
public sealed class CrashTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("upload:staged")]
    [InlineData("upload:swapped")]
    public async Task An_Api_killed_while_receiving_takes_back_no_acknowledged_byte_and_the_next_one_goes_on(string place)
    {
        await using var service = await Service.StartAsync(servers);
        using var http = service.Http("alice");
        var key = (await Tus.KeyAsync(service)).Id;
        var bytes = RandomNumberGenerator.GetBytes(300_000);
        var location = await Tus.BeginAsync(http, key, bytes.Length);
        using (var first = await Tus.PatchAsync(http, location, 0, bytes[..100_000])) Assert.True(first.IsSuccessStatusCode);

        await using (var doomed = service.StartProcess("Api", ("STORIES_CRASH_AT", place)))
        {
            await doomed.WaitUntilReadyAsync(Cancel);
            using var toDoomed = new HttpClient { BaseAddress = doomed.Address };
            toDoomed.DefaultRequestHeaders.Authorization = http.DefaultRequestHeaders.Authorization;
            await Assert.ThrowsAsync<HttpRequestException>(() => Tus.PatchAsync(toDoomed, location, 100_000, bytes[100_000..]));
            await doomed.WaitForEndAsync(Cancel);
        }

        var offset = (await Tus.OffsetAsync(http, location))!.Value;
        Assert.Equal(place == "upload:staged" ? 100_000 : 300_000, offset);
        if (offset < bytes.Length)
        {
            using var rest = await Tus.PatchAsync(http, location, offset, bytes[(int)offset..]);
            Assert.True(rest.IsSuccessStatusCode);
        }
        await service.SweepAsync();
        var row = await service.ReadAsync(db => db.Uploads.SingleAsync(Cancel));
        Assert.Equal(UploadState.Committed, row.State);
        await using var blob = await service.Api.GetRequiredService<IngestBlobs>().OpenReadAsync(row.BlobName, Cancel);
        using var stored = new MemoryStream();
        await blob!.CopyToAsync(stored, Cancel);
        Assert.Equal(bytes, stored.ToArray());
    }

    [Theory]
    [InlineData("erase:claimed")]
    [InlineData("erase:sealed")]
    [InlineData("erase:batch")]
    [InlineData("erase:rows")]
    [InlineData("erase:key")]
    [InlineData("erase:container")]
    [InlineData("erase:looked")]
    [InlineData("erase:signed")]
    public async Task A_worker_killed_while_erasing_leaves_a_bucket_that_the_next_sweep_ends(string place)
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        for (var round = 0; round < Tier.Rounds(usually: 3, inTheLongTier: 20); round++)
        {
            var live = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
            await service.ProcessAsync(live.Story, Cancel);
            await service.EndBucketsAsync(Cancel);

            await using (var doomed = service.StartProcess("Worker", ("STORIES_CRASH_AT", place))) Assert.Equal(128 + 9, await doomed.WaitForEndAsync(Cancel));
            Assert.Equal(1, await service.ReadAsync(db => db.Buckets.CountAsync(b => b.State != BucketState.Erased, Cancel)));
            await Refused(() => alice.Client.OpenAsync(live.Story, Cancel));

            await service.UntilNobodyHasATurnAsync();
            await service.SweepAsync();
            var bucket = await service.ReadAsync(db => db.Buckets.OrderByDescending(b => b.EndsAt).FirstAsync(Cancel));
            Assert.Equal((BucketState.Erased, 1, 2), (bucket.State, bucket.Stories, bucket.Blobs));
            Assert.Equal(0, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
            Assert.False(await service.Worker.GetRequiredService<BucketBlobs>().ContainerExistsAsync(bucket.Container, Cancel));
        }
    }

    [Fact]
    public async Task Two_workers_share_the_work_and_each_story_is_made_once()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        for (var i = 0; i < 8; i++) await alice.PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel);
        await using var one = service.StartProcess("Worker");
        await using var two = service.StartProcess("Worker");
        await service.UntilAsync(async db => await db.Stories.CountAsync(s => s.Work == WorkState.Done, Cancel) == 8);
        Assert.All(await service.ReadAsync(db => db.Stories.ToListAsync(Cancel)), s => Assert.Equal((StoryState.Live, 1, 1), (s.State, s.Revision, s.Attempt)));
        Assert.Equal(16, await service.ReadAsync(db => db.Renditions.CountAsync(Cancel)));
    }

    [Fact]
    public async Task With_two_Apis_and_two_workers_one_of_which_is_killed_each_story_comes_to_its_one_end()
    {
        await using var service = await Service.StartAsync(servers);
        var authors = new[] { service.User("alice"), service.User("bob", Service.PhotosApp, api: service.StartApi().Address) };
        await using var lasting = service.StartProcess("Worker");
        await using var doomed = service.StartProcess("Worker", ("STORIES_CRASH_AT", "process:rendered"));
        await Task.WhenAll(lasting.WaitUntilReadyAsync(Cancel), doomed.WaitUntilReadyAsync(Cancel));

        var expected = new Dictionary<Guid, (UserSession Author, Sample Sample)>();
        foreach (var file in new[] { "video-compliant.mp4", "photo.webp", "hostile-text.jpg", "photo-portrait-exif.jpg", "hostile-truncated.mp4" })
            foreach (var author in authors) expected.Add((await author.PostAsync([Samples.PathOf(file)], cancellationToken: Cancel)).Story, (author, Samples.Of(file)));
        Assert.Equal(128 + 9, await doomed.WaitForEndAsync(Cancel));
        await service.EndLeasesAsync(Cancel);
        await service.UntilAsync(async db => await db.Stories.AllAsync(s => s.Work == WorkState.Done, Cancel) && await db.Uploads.AllAsync(u => u.BytesGoneAt != null, Cancel));
        await using var successor = service.StartProcess("Worker");
        await successor.WaitUntilReadyAsync(Cancel);
        Assert.Empty(Remains.ScratchFiles(service));

        foreach (var (story, (author, sample)) in expected)
        {
            var end = await author.Client.WatchProgressAsync(story, Cancel);
            Assert.Equal((sample.Code is null ? StoryState.Live : StoryState.Rejected, sample.Code), (end.State, end.Code));
            if (sample.Code is not null) continue;
            var opened = await author.Viewer.OpenAsync(story, Cancel);
            Assert.Equal(sample.Renditions!.Keys.Order(StringComparer.Ordinal), opened.Renditions!.Renditions.Select(r => r.Name).Order(StringComparer.Ordinal));
            foreach (var rendition in opened.Renditions.Renditions) await author.Viewer.DownloadAsync(opened, rendition, Stream.Null, Cancel);
        }
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Equal(expected.Values.Sum(e => e.Sample.Renditions?.Count ?? 0), await service.ReadAsync(db => db.Renditions.CountAsync(Cancel)));
    }
}
