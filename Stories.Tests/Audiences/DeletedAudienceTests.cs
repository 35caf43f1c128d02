using Microsoft.EntityFrameworkCore;
using Stories.Age;
using Stories.Client;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Audiences;

public sealed class DeletedAudienceTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private UserSession alice = null!;
    private UserSession bob = null!;

    /// <summary>In which publishing, a new epoch and the deletion come to the audience. Left to themselves the deletion, which has least to do, is always first.</summary>
    private static readonly int[][] Orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

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
        // One after the other all are taken.
        var (alone, requests) = await PrepareAsync();
        foreach (var request in requests) await request.Act();
        Assert.Equal(alone.Audience.Epoch + 1, (await alice.Client.ReadAudienceAsync(alone.Audience.Id, Cancel)).Epoch);
        Assert.Equal(StoryState.Live, (await alice.Client.WatchProgressAsync(alone.Story, Cancel)).State);
        await alice.Client.DeleteAudienceAsync(alone.Audience.Id, Cancel);
        await AssertGoneAsync(alone);
        Assert.Equal(StoryState.Withdrawn, (await alice.Client.WatchProgressAsync(alone.Story, Cancel)).State);

        var race = new Race();
        var rounds = Tier.Rounds(15, 500);
        for (var round = 0; round < rounds; round++)
        {
            var (publishing, racing) = await PrepareAsync();
            // Nothing keeps it from being done.
            var delete = new Racer("delete", () => alice.Client.DeleteAudienceAsync(publishing.Audience.Id, Cancel));
            if (round % 2 == 0) await Task.WhenAll(racing.Append(delete).Select(race.TryAsync).ToList());
            else await LineUpAsync(race, Orders[round / 2 % Orders.Length].Select(place => racing.Append(delete).ElementAt(place)));
            await AssertGoneAsync(publishing);
        }
        race.Tell();
        Assert.All((string[])["publish", "epoch"], kind => Assert.InRange(race.Taken(kind), 1, rounds - 1));
        Assert.Equal(rounds, race.Taken("delete"));
    }

    [Fact]
    public async Task A_publish_that_came_first_is_waited_for_and_withdrawn()
    {
        using var http = service.Http("alice");
        var publishing = await new Publishing(service, alice).PrepareAsync();
        publishing.Uploads.Add(await Tus.UploadAsync(http, (await Tus.KeyAsync(service)).Id, new byte[100]));
        // Where it takes its uploads it has the audience already.
        await using var gate = await BucketGate.BeginAsync(service.Database, Cancel);
        await gate.ExecuteAsync("select 1 from uploads for update", Cancel);
        var publish = publishing.PublishAsync(publishing.Request(digests: [new Digest(new string('a', 64), 100)]));
        await gate.WaitForSomebodyAsync(Cancel);

        var delete = alice.Client.DeleteAudienceAsync(publishing.Audience.Id, Cancel);
        // One stands before its upload, the other waits for the one.
        await service.UntilWaitingAsync(2);
        await gate.OpenAsync(Cancel);

        Assert.Equal(StoryState.Accepted, (await publish).State);
        await delete;
        await AssertGoneAsync(publishing);
        Assert.Equal(StoryState.Withdrawn, (await alice.Client.WatchProgressAsync(publishing.Story, Cancel)).State);
        Assert.Empty(await Remains.IngestAsync(service));
    }

    [Fact]
    public async Task A_publish_that_comes_to_the_audience_after_its_deletion_is_refused()
    {
        var publishing = await new Publishing(service, alice).PrepareAsync();
        await publishing.PublishAsync(publishing.Request());
        publishing.Story = Guid.NewGuid();
        // Before the bucket it has looked at the audience, and does not hold it yet.
        await using var gate = await BucketGate.CloseAsync(service.Database, Cancel);
        var publish = Refused(() => publishing.PublishAsync(publishing.Request()));
        await gate.WaitForSomebodyAsync(Cancel);

        await alice.Client.DeleteAudienceAsync(publishing.Audience.Id, Cancel);
        await gate.OpenAsync(Cancel);

        Assert.Equal(ProblemCodes.AudienceUnknown, (await publish).Code);
        await AssertGoneAsync(publishing);
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

    /// <summary>Two requests that would be taken one after the other, with what they may be told when the audience is gone, or when the second was faster.</summary>
    private async Task<(Publishing Publishing, Racer[] Requests)> PrepareAsync()
    {
        var audience = await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
        var publishing = await new Publishing(service, alice).PrepareAsync();
        Assert.Equal((audience.Id, audience.Epoch), (publishing.Audience.Id, publishing.Audience.Epoch));
        using var epoch = AgeIdentity.Generate();
        var next = new EpochRequest(AudienceKind.List, epoch.Recipient.ToString(), [], [new EpochEnvelope(alice.Store.Id, [1])]);
        return (publishing,
        [
            new("publish", () => publishing.PublishAsync(publishing.Request()), ProblemCodes.AudienceUnknown, ProblemCodes.StoryEpochUnknown),
            new("epoch", () => alice.Client.BeginEpochAsync(audience.Id, audience.Epoch + 1, next, Cancel), ProblemCodes.EpochConflict),
        ]);
    }

    /// <summary>All stand before the audience's row when it is let go.</summary>
    private async Task LineUpAsync(Race race, IEnumerable<Racer> racers)
    {
        await using var gate = await BucketGate.BeginAsync(service.Database, Cancel);
        await gate.ExecuteAsync("select 1 from audiences for update", Cancel);
        var racing = new List<Task<bool>>();
        foreach (var racer in racers)
        {
            racing.Add(race.TryAsync(racer));
            await service.UntilWaitingAsync(racing.Count);
        }
        await gate.OpenAsync(Cancel);
        await Task.WhenAll(racing);
    }

    private async Task AssertGoneAsync(Publishing publishing)
    {
        var id = publishing.Audience.Id;
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => alice.Client.OpenAsync(publishing.Story, Cancel))).Code);
        Assert.Equal((0, 0, 0, 0), await service.ReadAsync(async db => (
            await db.Audiences.CountAsync(a => a.Id == id, Cancel), await db.AudienceEpochs.CountAsync(e => e.AudienceId == id, Cancel),
            await db.EpochEnvelopes.CountAsync(e => e.AudienceId == id, Cancel), await db.AudienceMembers.CountAsync(m => m.AudienceId == id, Cancel))));
    }
}
