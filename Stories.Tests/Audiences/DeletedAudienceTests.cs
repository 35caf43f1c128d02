using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Audiences;

public sealed class DeletedAudienceTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private UserSession alice = null!;
    private UserSession bob = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers);
        alice = service.User("alice");
        bob = service.User("bob", Service.PhotosApp);
        await alice.Audiences.RegisterAsync(Cancel);
        await bob.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task A_deleted_audience_takes_its_stories_with_it_and_leaves_the_owners_others_alone()
    {
        var live = (await alice.PostAsync([Samples.Photo], caption: "words", cancellationToken: Cancel)).Story;
        await service.ProcessAsync(live, Cancel);
        await bob.Client.MarkSeenAsync(live, Cancel);
        var waiting = (await alice.PostAsync([Samples.Photo], cancellationToken: Cancel)).Story;
        var other = (await alice.Poster.PostAsync(new Draft([], Level.Processed, TimeSpan.FromHours(1), "family", "words"), (_, _) => { }, Cancel)).Story;
        var id = alice.Store.FindAudience("friends")!.Value;

        Assert.True(await alice.Audiences.DeleteAsync("friends", Cancel));

        foreach (var story in new[] { live, waiting })
        {
            Assert.Equal(ProblemCodes.NotFound, (await Refused(() => bob.Client.OpenAsync(story, Cancel))).Code);
            Assert.Equal(StoryState.Withdrawn, (await alice.Client.WatchProgressAsync(story, Cancel)).State);
        }
        Assert.Empty(await Remains.RenditionsAsync(service));
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Equal((0, 0, 0, 0, 0), await service.ReadAsync(async db => (
            await db.Audiences.CountAsync(a => a.Id == id, Cancel), await db.AudienceEpochs.CountAsync(e => e.AudienceId == id, Cancel), await db.EpochEnvelopes.CountAsync(e => e.AudienceId == id, Cancel),
            await db.AudienceMembers.CountAsync(m => m.AudienceId == id, Cancel), await db.Seen.CountAsync(Cancel))));
        Assert.Empty((await bob.Client.ListAudiencesAsync(Cancel)).Audiences);
        Assert.Equal(other, (await alice.Client.OpenAsync(other, Cancel)).Story);
    }

    [Fact]
    public async Task Only_its_owner_deletes_an_audience_and_once()
    {
        var id = alice.Store.FindAudience("friends")!.Value;
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => bob.Client.DeleteAudienceAsync(id, Cancel))).Code);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => service.User("alice", Service.PhotosApp).Client.DeleteAudienceAsync(id, Cancel))).Code);
        await alice.Client.DeleteAudienceAsync(id, Cancel);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => alice.Client.DeleteAudienceAsync(id, Cancel))).Code);
    }

    [Fact]
    public async Task A_device_forgets_a_deleted_audience_and_its_name_can_be_founded_again()
    {
        var id = alice.Store.FindAudience("friends")!.Value;
        Assert.True(await alice.Audiences.DeleteAsync("friends", Cancel));
        Assert.False(await alice.Audiences.DeleteAsync("friends", Cancel));
        Assert.Null(alice.Store.FindAudience("friends"));
        Assert.Null(alice.Store.FindEpoch(id, 2));

        await alice.PostAsync([], caption: "words", cancellationToken: Cancel);
        var founded = await alice.Audiences.FindOrFoundAsync("friends", Cancel);
        Assert.NotEqual(id, founded.Id);
        Assert.Empty(founded.Members!);
    }

    [Fact]
    public async Task A_publish_or_a_new_epoch_that_races_the_deletion_leaves_no_story_to_be_seen_and_no_key()
    {
        for (var round = 0; round < Tier.Rounds(15, 500); round++)
        {
            var audience = await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
            var publishing = await new Publishing(service, alice).PrepareAsync();
            var published = TryAsync(() => publishing.PublishAsync(publishing.Request()));
            var changed = TryAsync(() => alice.Audiences.ChangeAsync("friends", [], [bob.Self], Cancel));
            await Task.WhenAll(published, changed, TryAsync(() => alice.Client.DeleteAudienceAsync(audience.Id, Cancel)));

            Assert.Equal(ProblemCodes.NotFound, (await Refused(() => alice.Client.OpenAsync(publishing.Story, Cancel))).Code);
            Assert.Equal((0, 0, 0, 0), await service.ReadAsync(async db => (
                await db.Audiences.CountAsync(a => a.Id == audience.Id, Cancel), await db.AudienceEpochs.CountAsync(e => e.AudienceId == audience.Id, Cancel),
                await db.EpochEnvelopes.CountAsync(e => e.AudienceId == audience.Id, Cancel), await db.AudienceMembers.CountAsync(m => m.AudienceId == audience.Id, Cancel))));
        }
    }

    [Fact]
    public async Task The_command_line_deletes_an_audience_with_what_was_posted_to_it()
    {
        var posted = (await alice.PostAsync([], caption: "words", cancellationToken: Cancel)).Story;
        var id = alice.Store.FindAudience("friends")!.Value;

        var (code, output) = await RunAsync("audience", "friends", "--delete");

        Assert.Equal((0, "Gone, with all that you posted to it: friends"), (code, output));
        Assert.Equal(StoryState.Withdrawn, (await alice.Client.WatchProgressAsync(posted, Cancel)).State);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => alice.Client.ReadAudienceAsync(id, Cancel))).Code);
        // The device has forgotten it.
        Assert.Equal((2, "You have no audience friends."), await RunAsync("audience", "friends", "--delete"));
        Assert.Equal((2, "Say which audience, and nothing else: audience NAME --delete."), await RunAsync("audience", "--delete"));

        async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
        {
            var (code, output) = await service.RunClientAsync("alice", arguments, Cancel, device: "phone");
            return (code, output.Trim());
        }
    }

    private static async Task TryAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (StoriesProblemException e) when (e.Code is not ProblemCodes.Failed)
        {
            // Whoever came too late is told so.
        }
    }
}
