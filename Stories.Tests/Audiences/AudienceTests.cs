using Microsoft.EntityFrameworkCore;
using Stories.Age;
using Stories.Client;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Audiences;

public sealed class AudienceTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private UserSession alice = null!;
    private UserSession bob = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers, new() { ["Apps:DevicesPerUser"] = "2", ["Apps:AudiencesPerUser"] = "2", ["Apps:MembersPerAudience"] = "3" });
        alice = service.User("alice");
        bob = service.User("bob", Service.PhotosApp);
        await alice.Audiences.RegisterAsync(Cancel);
        await bob.Audiences.RegisterAsync(Cancel);
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task A_member_of_another_app_opens_the_epochs_key_and_a_stranger_does_not_find_it()
    {
        var audience = await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
        using var identity = await bob.Audiences.OpenEpochAsync(audience.Id, audience.Epoch, Cancel);
        Assert.Equal(audience.Recipient, identity.Recipient.ToString());
        Assert.Null((await bob.Client.ReadAudienceAsync(audience.Id, Cancel)).Members);
        var mallory = service.User("mallory");
        await mallory.Audiences.RegisterAsync(Cancel);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => mallory.Audiences.OpenEpochAsync(audience.Id, audience.Epoch, Cancel))).Code);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => mallory.Client.ReadAudienceAsync(audience.Id, Cancel))).Code);
    }

    [Fact]
    public async Task Who_leaves_sees_what_was_posted_before_and_nothing_after()
    {
        var publishing = await new Publishing(service, alice).PrepareAsync();
        await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
        publishing = await new Publishing(service, alice).PrepareAsync();
        await publishing.PublishAsync(publishing.Request());
        await alice.Audiences.ChangeAsync("friends", [], [bob.Self], Cancel);
        var after = await new Publishing(service, alice).PrepareAsync();
        await after.PublishAsync(after.Request());
        Assert.Equal([publishing.Story], (await bob.Client.ShowTrayAsync(Cancel)).Authors.SelectMany(a => a.Stories).Select(s => s.Story));
        Assert.Equal(publishing.Story, (await bob.Client.OpenAsync(publishing.Story, Cancel)).Story);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => bob.Client.OpenAsync(after.Story, Cancel))).Code);
    }

    [Fact]
    public async Task A_device_that_its_user_let_go_of_gets_no_key_of_what_another_of_the_owners_devices_posts()
    {
        var tablet = service.User("bob", Service.PhotosApp, "tablet");
        await tablet.Audiences.RegisterAsync(Cancel);
        var laptop = service.User("alice", device: "laptop");
        await laptop.Audiences.RegisterAsync(Cancel);
        var audience = await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
        laptop.Store.NameAudience("friends", audience.Id);
        await bob.Client.RemoveDeviceAsync(tablet.Store.Id, Cancel);

        var ready = await laptop.Audiences.ReadyAsync("friends", Cancel);

        Assert.Equal(audience.Epoch + 1, ready.Epoch);
        using (await bob.Audiences.OpenEpochAsync(audience.Id, ready.Epoch, Cancel)) { }
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => tablet.Audiences.OpenEpochAsync(audience.Id, ready.Epoch, Cancel))).Code);
        // What it began itself it knows, and begins no other without need.
        Assert.Equal(ready.Epoch, (await laptop.Audiences.ReadyAsync("friends", Cancel)).Epoch);
    }

    [Fact]
    public async Task An_epoch_that_another_of_the_owners_devices_begins_while_a_file_goes_up_keeps_nothing_from_being_posted()
    {
        var laptop = service.User("alice", device: "laptop");
        await laptop.Audiences.RegisterAsync(Cancel);
        var audience = await alice.Audiences.FindOrFoundAsync("friends", Cancel);
        laptop.Store.NameAudience("friends", audience.Id);
        Task<AudienceView>? other = null;
        var (story, request) = await alice.Poster.PrepareAsync(new Draft([Samples.Photo], Level.Processed, TimeSpan.FromHours(1), "friends", null), (step, _) =>
        {
            if (step == PostStep.Uploading) other ??= laptop.Audiences.ChangeAsync("friends", [], [], Cancel);
            other?.Wait(Cancel);
        }, Cancel);
        Assert.NotNull(other);
        Assert.Equal(story, (await alice.Client.PublishAsync(story, request, Cancel)).Story);
    }

    [Fact]
    public async Task An_epoch_that_begins_between_signature_and_publication_is_signed_for_and_no_file_goes_up_twice()
    {
        var laptop = service.User("alice", device: "laptop");
        await laptop.Audiences.RegisterAsync(Cancel);
        var audience = await alice.Audiences.FindOrFoundAsync("friends", Cancel);
        laptop.Store.NameAudience("friends", audience.Id);
        var (isUp, others) = (false, 0);
        // The last that is asked for before a manifest is signed is its time.
        var clock = new Meanwhile(service.Clock, () =>
        {
            if (isUp && others++ < 2) laptop.Audiences.ChangeAsync("friends", [], [], Cancel).Wait(Cancel);
        });
        var poster = new Poster(alice.Client, alice.Store, alice.Audiences, alice.Self, clock);

        var posted = await poster.PostAsync(new Draft([Samples.Photo], Level.Processed, TimeSpan.FromHours(1), "friends", null), (step, percent) => isUp = step == PostStep.Uploading && percent == 100, Cancel);

        Assert.True(others > 2);
        await service.ProcessAsync(posted.Story, Cancel);
        Assert.NotEmpty((await alice.Client.OpenAsync(posted.Story, Cancel)).RenditionManifest!);
        Assert.Equal(1, await service.ReadAsync(db => db.Uploads.CountAsync(Cancel)));
    }

    [Fact]
    public async Task What_was_uploaded_is_taken_back_when_it_cannot_be_signed_any_more()
    {
        var poster = new Poster(alice.Client, alice.Store, alice.Audiences, alice.Self, service.Clock);
        var draft = new Draft([Samples.Photo], Level.Processed, TimeSpan.FromHours(1), "friends", null);
        // The audience is begun only after the upload, and this service takes no more of them.
        foreach (var name in new[] { "family", "work" }) await alice.Audiences.FindOrFoundAsync(name, Cancel);

        Assert.Equal(ProblemCodes.AudienceTooMany, (await Refused(() => poster.PostAsync(draft, (_, _) => { }, Cancel))).Code);
        Assert.Equal(ProblemCodes.AudienceTooMany, (await Refused(() => poster.PrepareAsync(draft, (_, _) => { }, Cancel))).Code);
        Assert.Equal(0, await service.ReadAsync(db => db.Uploads.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Of_two_changes_at_once_both_take_effect_one_after_the_other()
    {
        await alice.Audiences.FindOrFoundAsync("friends", Cancel);
        var carol = service.User("carol");
        await carol.Audiences.RegisterAsync(Cancel);
        await Task.WhenAll(alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel), alice.Audiences.ChangeAsync("friends", [carol.Self], [], Cancel));
        var audience = await alice.Audiences.FindOrFoundAsync("friends", Cancel);
        Assert.Equal(3, audience.Epoch);
        Assert.Equal(["chat/carol", "photos/bob"], audience.Members!.Order());
    }

    [Fact]
    public async Task An_app_that_shares_nothing_finds_no_devices_and_takes_no_part()
    {
        var loner = service.User("loner", Service.LonelyApp);
        await loner.Audiences.RegisterAsync(Cancel);
        Assert.Empty((await loner.Client.FindDevicesAsync([alice.Self, bob.Self], Cancel)).Devices);
        Assert.Equal(ProblemCodes.AudienceMemberRefused, (await Refused(() => alice.Audiences.ChangeAsync("friends", [loner.Self], [], Cancel))).Code);
    }

    [Fact]
    public async Task Each_rule_of_an_epoch_is_kept_by_its_code()
    {
        using var key = AgeIdentity.Generate();
        var own = new EpochEnvelope(alice.Store.Id, [1]);
        EpochRequest Epoch(IReadOnlyList<string> members, params EpochEnvelope[] envelopes) => new(AudienceKind.List, key.Recipient.ToString(), members, envelopes);
        Task<AudienceView> Begin(int number, EpochRequest request, Guid? id = null) => alice.Client.BeginEpochAsync(id ?? Guid.NewGuid(), number, request, Cancel);

        Assert.Equal(ProblemCodes.AudienceEnvelopeMissing, (await Refused(() => Begin(1, Epoch([])))).Code);
        Assert.Equal(ProblemCodes.AudienceEnvelopeMissing, (await Refused(() => Begin(1, Epoch([bob.Self.ToString()], own)))).Code);
        Assert.Equal(ProblemCodes.AudienceEnvelopeMissing, (await Refused(() => Begin(1, Epoch([], own, own)))).Code);
        Assert.Equal(ProblemCodes.AudienceInvalid, (await Refused(() => Begin(1, Epoch(["no slash"], own)))).Code);
        Assert.Equal(ProblemCodes.AudienceInvalid, (await Refused(() => Begin(1, Epoch([], own with { Envelope = new byte[4097] })))).Code);
        Assert.Equal(ProblemCodes.AudienceInvalid, (await Refused(() => Begin(1, Epoch([], own) with { Recipient = "age1" }))).Code);
        Assert.Equal(ProblemCodes.AudienceTooLarge, (await Refused(() => Begin(1, Epoch(["chat/a", "chat/b", "chat/c", "chat/d"], own)))).Code);
        Assert.Equal(ProblemCodes.EpochConflict, (await Refused(() => Begin(2, Epoch([], own)))).Code);
        var first = await Begin(1, Epoch([], own));
        Assert.Equal(ProblemCodes.EpochConflict, (await Refused(() => Begin(1, Epoch([], own), first.Id))).Code);
        await Begin(1, Epoch([], own));
        Assert.Equal(ProblemCodes.AudienceTooMany, (await Refused(() => Begin(1, Epoch([], own)))).Code);
    }

    [Fact]
    public async Task Each_rule_of_a_device_is_kept_by_its_code()
    {
        using var key = AgeIdentity.Generate();
        var good = new DeviceRequest(Guid.NewGuid(), key.Recipient.ToString(), new byte[32]);
        Assert.Equal(ProblemCodes.DeviceInvalid, (await Refused(() => alice.Client.RegisterDeviceAsync(good with { SigningKey = new byte[31] }, Cancel))).Code);
        Assert.Equal(ProblemCodes.DeviceInvalid, (await Refused(() => alice.Client.RegisterDeviceAsync(good with { Recipient = "ssh-ed25519" }, Cancel))).Code);
        // To a point of low order nothing can be encrypted: nobody could post to an audience with such a device in it.
        Assert.Equal(ProblemCodes.DeviceInvalid, (await Refused(() => alice.Client.RegisterDeviceAsync(good with { Recipient = Bech32.Encode("age", new byte[32]) }, Cancel))).Code);
        // Bech32 may come in capitals; others see each key in one form.
        var capitals = good with { Recipient = good.Recipient.ToUpperInvariant() };
        Assert.Equal(good.Recipient, (await alice.Client.RegisterDeviceAsync(capitals, Cancel)).Recipient);
        await alice.Client.RegisterDeviceAsync(good, Cancel);
        await alice.Client.RegisterDeviceAsync(capitals, Cancel);
        Assert.Equal(ProblemCodes.DeviceIdTaken, (await Refused(() => bob.Client.RegisterDeviceAsync(good, Cancel))).Code);
        Assert.Equal(ProblemCodes.DeviceTooMany, (await Refused(() => alice.Client.RegisterDeviceAsync(good with { Id = Guid.NewGuid() }, Cancel))).Code);
    }

    private sealed class Meanwhile(TimeProvider clock, Action act) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow()
        {
            act();
            return clock.GetUtcNow();
        }
    }
}
