using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Protocol;
using Stories.Tests.Auditing;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Erasure;

/// <summary>Everything of a user goes, nothing in flight survives, and nobody else loses anything.</summary>
public sealed class UserErasureTests(LocalServers servers) : IAsyncLifetime
{
    private const int EndOfDepartures = 4;

    private Service service = null!;
    private UserSession alice = null!;
    private UserSession bob = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers);
        alice = service.User("alice-to-be-erased");
        bob = service.User("bob-who-stays", Service.PhotosApp);
        await alice.Audiences.RegisterAsync(Cancel);
        await bob.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
        await bob.Audiences.ChangeAsync("friends", [alice.Self], [], Cancel);
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task Nothing_of_an_erased_user_is_left_in_any_table_or_in_storage()
    {
        await service.User("alice-to-be-erased", device: "tablet").Audiences.RegisterAsync(Cancel);
        var live = (await alice.PostAsync([Samples.Photo], caption: "words", cancellationToken: Cancel)).Story;
        await service.ProcessAsync(live, Cancel);
        await alice.PostAsync([Samples.CompliantVideo], Level.Clear, cancellationToken: Cancel);
        using var http = service.Http(alice.Self.User);
        var key = (await Tus.KeyAsync(service)).Id;
        await Tus.UploadAsync(http, key, new byte[100]);
        using (await Tus.PatchAsync(http, await Tus.BeginAsync(http, key, 100), 0, new byte[50])) { }
        var bobs = (await bob.PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel)).Story;
        await service.ProcessAsync(bobs, Cancel);
        await alice.Client.MarkSeenAsync(bobs, Cancel);
        await bob.Client.MarkSeenAsync(live, Cancel);
        var about = await EverythingAbout.RememberAsync(service, alice.Self);
        Assert.Contains(await about.FindAsync(), place => place.StartsWith("storage", StringComparison.Ordinal));

        await alice.Client.EraseUserAsync(alice.Self, Cancel);

        Assert.Empty(await about.FindAsync());
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Equal((await Remains.PublishedAsync(service)).Order(StringComparer.Ordinal), await Remains.RenditionsAsync(service));
        Assert.Equal(0, await service.ReadAsync(db => db.Departures.CountAsync(Cancel)));
        // Who stays has lost nothing.
        using var opened = await bob.Viewer.OpenAsync(bobs, Cancel);
        foreach (var rendition in opened.Renditions!.Renditions) await bob.Viewer.DownloadAsync(opened, rendition, Stream.Null, Cancel);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => bob.Client.OpenAsync(live, Cancel))).Code);
        // Nor does an audit find anything, when nothing is too young for it any more.
        service.Clock.Advance(TimeSpan.FromHours(2));
        Assert.Empty(AuditRig.Wrong(await new AuditRig(service).AuditAsync()));
    }

    [Fact]
    public async Task An_erased_user_comes_back_as_new_and_others_keys_are_not_theirs()
    {
        await alice.Client.EraseUserAsync(alice.Self, Cancel);
        await alice.Client.EraseUserAsync(alice.Self, Cancel);

        // The owner's device notices that a member's is gone, begins an epoch without it, and names the member no more.
        var before = (await bob.Audiences.FindOrFoundAsync("friends", Cancel)).Epoch;
        var after = await bob.Audiences.ReadyAsync("friends", Cancel);
        Assert.Equal(before + 1, after.Epoch);
        Assert.Empty(after.Members!);

        var posted = await alice.PostAsync([], caption: "back again", cancellationToken: Cancel);
        Assert.Equal(StoryState.Live, posted.State);
        Assert.Empty((await alice.Audiences.FindOrFoundAsync("friends", Cancel)).Members!);
        await bob.PostAsync([], caption: "not for her", cancellationToken: Cancel);
        Assert.Empty((await alice.Client.ShowTrayAsync(Cancel)).Authors);
    }

    [Fact]
    public async Task Only_the_user_and_a_moderator_of_the_same_app_may_erase_and_all_others_find_nobody()
    {
        var carol = new UserName(Service.ChatApp, "carol");
        await service.User("carol").Audiences.RegisterAsync(Cancel);
        foreach (var (user, app, scope) in new[]
        {
            ("mallory", Service.ChatApp, "stories.post stories.view"), ("carol", Service.PhotosApp, "stories.post stories.view"),
            ("carol", Service.ChatApp, "ads.manage"), ("moderator", Service.PhotosApp, "moderate"), ("operator", Service.LonelyApp, "ops"),
        })
        {
            using var stranger = new StoriesClient(service.Address, service.Token(user, scope, app));
            Assert.Equal(ProblemCodes.NotFound, (await Refused(() => stranger.EraseUserAsync(carol, Cancel))).Code);
        }
        Assert.Equal(1, await service.ReadAsync(db => db.Devices.CountAsync(d => d.User == "carol", Cancel)));
        using var http = service.Http("carol");
        using var malformed = await http.PostAsync("v1/users/erase", new StringContent("{\"user\":\"carol\"}", System.Text.Encoding.UTF8, "application/json"), Cancel);
        Assert.Equal(ProblemCodes.RequestInvalid, await Tus.CodeAsync(malformed));

        foreach (var (user, app, scope) in new[] { ("moderator", Service.ChatApp, "moderate"), ("carol", Service.ChatApp, "stories.view") })
        {
            await service.User("carol").Audiences.RegisterAsync(Cancel);
            using var allowed = new StoriesClient(service.Address, service.Token(user, scope, app));
            await allowed.EraseUserAsync(carol, Cancel);
            Assert.Equal(0, await service.ReadAsync(db => db.Devices.CountAsync(d => d.User == "carol", Cancel)));
        }
    }

    [Fact]
    public async Task Whatever_is_in_flight_while_a_user_is_erased_does_not_survive()
    {
        // One after the other nothing comes too late: all of them are requests that would be taken.
        await using (var first = await InFlight.PrepareAsync(service, bob, "racer-that-is-alone"))
        {
            foreach (var request in first.Requests) await request.Act();
            Assert.Equal((1, 1), await service.ReadAsync(async db => (
                await db.Stories.CountAsync(s => s.User == first.User.User, Cancel), await db.Takedowns.CountAsync(t => t.Moderator == first.User.ToString(), Cancel))));
            await first.Erase.Act();
            await first.AssertGoneAsync();
        }

        // No departure ends before its test lets it: a takedown that came after the end would be that of a user who has come back.
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync($"""
            create function wait_for_the_test() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock_shared({EndOfDepartures}); return old; end';
            create trigger waits before delete on departures for each row execute function wait_for_the_test();
            """, Cancel));
        var race = new Race();
        for (var round = 0; round < Tier.Rounds(15, 500); round++)
        {
            await using var flight = await InFlight.PrepareAsync(service, bob, $"racer-number-{round:000}");
            await using var gate = await BucketGate.BeginAsync(service.Database, Cancel);
            await gate.ExecuteAsync($"select pg_advisory_xact_lock({EndOfDepartures})", Cancel);
            var racing = flight.Requests.Append(flight.Erase).ToDictionary(racer => racer, race.TryAsync);
            var isTakenDown = await racing[flight.Takedown];
            await gate.OpenAsync(Cancel);
            await Task.WhenAll(racing.Values);

            await flight.AssertGoneAsync();
            Assert.Equal(isTakenDown ? 1 : 0, await service.ReadAsync(db => db.Stories.CountAsync(s => s.Id == flight.ToTakeDown && s.State == StoryState.TakenDown, Cancel)));
        }
        race.Tell();
        // "Unavailable" was said because somebody was leaving, and not for trouble that passes.
        Assert.DoesNotContain(service.Log.Lines, line => !line.StartsWith("Information", StringComparison.Ordinal) && line.Contains(" /v1/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_publish_that_came_first_is_waited_for_and_erased()
    {
        var publishing = await new Publishing(service, alice).PrepareAsync();
        await publishing.PublishAsync(publishing.Request());
        var about = await EverythingAbout.RememberAsync(service, alice.Self);
        publishing.Story = Guid.NewGuid();
        about.Also(publishing.Story);
        await using var gate = await BucketGate.CloseAsync(service.Database, Cancel);
        var publish = publishing.PublishAsync(publishing.Request());
        await gate.WaitForSomebodyAsync(Cancel);

        var erase = alice.Client.EraseUserAsync(alice.Self, Cancel);
        // One stands before the bucket, the other waits for the one.
        await service.UntilWaitingAsync(2);
        await gate.OpenAsync(Cancel);

        Assert.Equal(StoryState.Live, (await publish).State);
        await erase;
        Assert.Empty(await about.FindAsync());
    }

    [Fact]
    public async Task A_takedown_that_came_first_is_waited_for_and_names_its_moderator_no_more()
    {
        var bobs = (await bob.PostAsync([], caption: "words", cancellationToken: Cancel)).Story;
        using var moderator = new StoriesClient(service.Address, service.Token(alice.Self.User, "moderate"));
        var about = await EverythingAbout.RememberAsync(service, alice.Self);
        await using var gate = await BucketGate.BeginAsync(service.Database, Cancel);
        await gate.ExecuteAsync("select 1 from stories for update", Cancel);
        var takedown = moderator.TakeDownAsync(bobs, TakedownReason.Spam, Cancel);
        await gate.WaitForSomebodyAsync(Cancel);

        var erase = alice.Client.EraseUserAsync(alice.Self, Cancel);
        // One stands before the story, the other waits for the one.
        await service.UntilWaitingAsync(2);
        await gate.OpenAsync(Cancel);

        await takedown;
        await erase;
        Assert.Empty(await about.FindAsync());
        Assert.Equal([""], await service.ReadAsync(db => db.Takedowns.Select(t => t.Moderator).ToListAsync(Cancel)));
    }

    [Fact]
    public async Task Until_all_is_gone_nothing_new_of_the_user_is_taken()
    {
        var publishing = await new Publishing(service, alice).PrepareAsync();
        var key = (await Tus.KeyAsync(service)).Id;
        // As a killed process leaves it.
        await service.ReadAsync(async db =>
        {
            db.Departures.Add(Core.Erasure.Departure.Ask(alice.Self.App, alice.Self.User, service.Clock.GetUtcNow()));
            return await db.SaveChangesAsync(Cancel);
        });

        Assert.Equal(ProblemCodes.Unavailable, await publishing.CodeAsync(publishing.Request()));
        Assert.Equal(ProblemCodes.Unavailable, (await Refused(() => alice.Audiences.ChangeAsync("friends", [], [], Cancel))).Code);
        Assert.Equal(ProblemCodes.Unavailable, (await Refused(() => bob.Audiences.ChangeAsync("friends", [], [], Cancel))).Code);
        Assert.Equal(ProblemCodes.Unavailable, (await Refused(() => alice.Audiences.RegisterAsync(Cancel))).Code);
        using var http = service.Http(alice.Self.User);
        using var upload = await http.SendAsync(Tus.Request(HttpMethod.Post, "v1/uploads", null, ("Upload-Length", "10"), ("Upload-Metadata", Tus.Metadata(key))), Cancel);
        Assert.Equal(ProblemCodes.Unavailable, await Tus.CodeAsync(upload));
        var bobs = (await bob.PostAsync([], caption: "words", cancellationToken: Cancel)).Story;
        using var moderator = new StoriesClient(service.Address, service.Token(alice.Self.User, "moderate"));
        Assert.Equal(ProblemCodes.Unavailable, (await Refused(() => moderator.TakeDownAsync(bobs, TakedownReason.Spam, Cancel))).Code);

        await service.SweepAsync();
        await alice.Audiences.RegisterAsync(Cancel);
        Assert.Equal(ProblemCodes.AudienceUnknown, await publishing.CodeAsync(publishing.Request()));
    }

    [Fact]
    public async Task An_erasure_that_storage_refuses_is_finished_by_a_later_sweep_and_holds_nobody_else_up()
    {
        var posted = (await alice.PostAsync([Samples.Photo], cancellationToken: Cancel)).Story;
        await service.ProcessAsync(posted, Cancel);
        var about = await EverythingAbout.RememberAsync(service, alice.Self);
        var (container, blob) = await service.ReadAsync(async db => (await db.Buckets.Select(b => b.Container).SingleAsync(Cancel), await db.Renditions.Select(r => r.BlobName).FirstAsync(Cancel)));
        var storage = (Azure.Storage.Blobs.BlobServiceClient)service.Api.GetService(typeof(Azure.Storage.Blobs.BlobServiceClient))!;
        var lease = new Azure.Storage.Blobs.Specialized.BlobLeaseClient(storage.GetBlobContainerClient(container).GetBlobClient(blob));
        await lease.AcquireAsync(TimeSpan.FromSeconds(-1), cancellationToken: Cancel);

        Assert.Equal(ProblemCodes.Failed, (await Refused(() => alice.Client.EraseUserAsync(alice.Self, Cancel))).Code);
        await bob.Client.EraseUserAsync(bob.Self, Cancel);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => alice.Client.OpenAsync(posted, Cancel))).Code);

        await lease.BreakAsync(TimeSpan.Zero, cancellationToken: Cancel);
        await service.SweepAsync();
        Assert.Empty(await about.FindAsync());
    }
}
