using Microsoft.EntityFrameworkCore;
using Stories.Age;
using Stories.Client;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;

namespace Stories.Tests.Erasure;

/// <summary>
/// Everything that writes something of a user, made ready to be sent, with what each may be told while the user is being erased. Sent one after the
/// other all of them are taken.
/// </summary>
internal sealed class InFlight : IAsyncDisposable
{
    private readonly Service service;
    private readonly UserSession friend;
    private readonly UserSession racer;
    private readonly EverythingAbout about;
    private readonly Guid seen;
    private readonly List<IDisposable> resources;

    private InFlight(Service service, UserSession friend, UserSession racer, EverythingAbout about, Guid seen, Guid toTakeDown, IReadOnlyList<Racer> requests, List<IDisposable> resources)
    {
        (this.service, this.friend, this.racer, this.about, this.seen, this.resources) = (service, friend, racer, about, seen, resources);
        (ToTakeDown, Requests) = (toTakeDown, requests);
        Erase = new Racer("erase", () => racer.Client.EraseUserAsync(racer.Self, Cancel));
    }

    public UserName User => racer.Self;
    public Guid ToTakeDown { get; }

    /// <summary>All but the erasure.</summary>
    public IReadOnlyList<Racer> Requests { get; }

    public Racer Takedown => Requests.Single(r => r.Kind == "takedown");

    /// <summary>Nothing keeps it from being done.</summary>
    public Racer Erase { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="friend">Who stays: has an audience in which the user is, and stories that the user sees and takes down.</param>
    public static async Task<InFlight> PrepareAsync(Service service, UserSession friend, string name)
    {
        var racer = service.User(name);
        var http = service.Http(name);
        var moderator = new StoriesClient(service.Address, service.Token(name, "moderate"));
        var epoch = AgeIdentity.Generate();
        var key = (await Tus.KeyAsync(service)).Id;
        var publishing = await new Publishing(service, racer).PrepareAsync();
        var audience = await friend.Audiences.ChangeAsync("friends", [racer.Self], [], Cancel);
        var seen = (await friend.PostAsync([], caption: "words", cancellationToken: Cancel)).Story;
        var toTakeDown = (await friend.PostAsync([], caption: "words", cancellationToken: Cancel)).Story;
        publishing.Uploads.Add(await Tus.UploadAsync(http, key, new byte[100]));
        var publish = publishing.Request(digests: [new Digest(new string('a', 64), 100)]);
        var half = await Tus.BeginAsync(http, key, 100);
        using (await Tus.PatchAsync(http, half, 0, new byte[50])) { }
        var (about, own) = (await EverythingAbout.RememberAsync(service, racer.Self), Guid.NewGuid());
        about.Also(publishing.Story);
        about.Also(own);

        EpochRequest Epoch(params UserName[] members) => new(AudienceKind.List, epoch.Recipient.ToString(), [.. members.Select(m => m.ToString())],
            [.. members.Append(racer.Self).Distinct().Select(m => new EpochEnvelope(m == racer.Self ? racer.Store.Id : friend.Store.Id, [1]))]);
        Racer[] requests =
        [
            // While the user leaves all is refused with the same word; afterwards there is no device, audience, upload or membership any more.
            new("publish", () => publishing.PublishAsync(publish), ProblemCodes.Unavailable, ProblemCodes.StorySignatureInvalid, ProblemCodes.AudienceUnknown, ProblemCodes.UploadUnknown),
            new("friend's epoch", () => friend.Client.BeginEpochAsync(audience.Id, audience.Epoch + 1, Epoch(friend.Self, racer.Self), Cancel), ProblemCodes.Unavailable, ProblemCodes.AudienceEnvelopeMissing),
            new("own epoch", () => racer.Client.BeginEpochAsync(own, 1, Epoch(), Cancel), ProblemCodes.Unavailable, ProblemCodes.AudienceEnvelopeMissing),
            new("seen", () => racer.Client.MarkSeenAsync(seen, Cancel), ProblemCodes.NotFound),
            new("takedown", () => moderator.TakeDownAsync(toTakeDown, TakedownReason.Spam, Cancel), ProblemCodes.Unavailable),
            // It has ended when it is asked for, when it is to be held, or while its bytes are staged or put together; or it is gone.
            new("upload", async () =>
            {
                using var answer = await Tus.PatchAsync(http, half, 50, new byte[50]);
                if (!answer.IsSuccessStatusCode) throw await StoriesProblemException.ReadAsync(answer, Cancel);
            }, ProblemCodes.UploadExpired, ProblemCodes.UploadOffsetConflict, ProblemCodes.UploadBytesLost, ProblemCodes.NotFound),
        ];
        return new InFlight(service, friend, racer, about, seen, toTakeDown, requests, [http, moderator, epoch]);
    }

    public async Task AssertGoneAsync()
    {
        Assert.Empty(await about.FindAsync());
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Equal(0, await service.ReadAsync(db => db.Departures.CountAsync(Cancel)));
    }

    /// <summary>The friend goes on with as many live stories as before.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var story in (Guid[])[seen, ToTakeDown]) await friend.Client.WithdrawAsync(story, Cancel);
        foreach (var resource in resources) resource.Dispose();
    }
}
