using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Journeys;

/// <summary>The main job, through every room: posted in one app, seen from another, gone.</summary>
public sealed class StoryLifeJourney(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_photo_posted_in_one_app_is_seen_from_another_and_then_gone_without_a_trace()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var bob = service.User("bob", Service.PhotosApp);
        await alice.Audiences.RegisterAsync(Cancel);
        await bob.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);

        var accepted = await alice.PostAsync([Samples.Photo], caption: "at the lake", lifetime: TimeSpan.FromHours(24), cancellationToken: Cancel);
        Assert.Equal(StoryState.Accepted, accepted.State);
        Assert.Empty((await bob.Client.ShowTrayAsync(Cancel)).Authors);
        await service.ProcessAsync(accepted.Story, Cancel);

        var author = Assert.Single((await bob.Client.ShowTrayAsync(Cancel)).Authors);
        Assert.Equal("chat/alice", author.Author);
        var opened = await bob.Viewer.OpenAsync(Assert.Single(author.Stories).Story, Cancel);
        Assert.Equal("at the lake", opened.Payload!.Caption);
        var entry = opened.Renditions!.Renditions.Single(r => r.Name == "photo-1080");
        using var content = new MemoryStream();
        await bob.Viewer.DownloadAsync(opened, entry, content, Cancel);
        Assert.Equal(entry.ContentLength, content.Length);
        Assert.Equal("RIFF"u8, content.ToArray().AsSpan(0, 4));

        service.Clock.MoveTo(accepted.ExpiresAt);
        var gone = await Refused(() => bob.Client.OpenAsync(accepted.Story, Cancel));
        Assert.Equal(ProblemCodes.NotFound, gone.Code);
        Assert.Empty((await bob.Client.ShowTrayAsync(Cancel)).Authors);

        await service.LetEverythingEndAsync();
        Assert.Equal(0, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
        Assert.Equal(0, await service.ReadAsync(db => db.Renditions.CountAsync(Cancel)));
        var bucket = await service.ReadAsync(db => db.Buckets.SingleAsync(Cancel));
        Assert.Equal((Core.Erasure.BucketState.Erased, 1, 2), (bucket.State, bucket.Stories, bucket.Blobs));
        var left = await alice.Client.ShowBucketAsync(bucket.Id, Cancel);
        Assert.Equal((0, false), (left.Left!.Stories, left.Left.Container));
    }
}
