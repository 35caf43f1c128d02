using System.Net;
using System.Text;
using Stories.Client;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Client;

/// <summary>A service that answers what ours does not: a device takes nothing for a proof that is none.</summary>
public sealed class ErasureProofTests : IDisposable
{
    private static readonly DateTimeOffset End = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    private readonly string home = Directory.CreateTempSubdirectory("stories-proof-").FullName;
    private readonly SigningKey service = SigningKey.Generate();
    private readonly Guid story = Guid.NewGuid();
    private readonly TestClock clock = new();
    private readonly ErasureTicket ticket = new("here", Guid.NewGuid(), [.. Enumerable.Repeat((byte)7, 32)]);
    private readonly DeviceStore store;

    public ErasureProofTests()
    {
        clock.Freeze(End.AddSeconds(35));
        store = DeviceStore.Open(home);
        store.PinServiceKey(service.PublicKey);
        store.KeepTicket(new KeptTicket(story, End, ticket), End);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        store.Dispose();
        service.Dispose();
        Directory.Delete(home, recursive: true);
    }

    [Fact]
    public async Task A_record_that_the_pinned_key_signed_with_the_story_in_it_is_a_proof()
    {
        var erased = Assert.IsType<ErasureProof.Erased>(await VerifyAsync(Sign(service, Record())));
        Assert.Equal((End, End.AddSeconds(30), End.AddSeconds(32)), (erased.ExpiresAt, erased.DueAt, erased.ErasedAt));
    }

    [Fact]
    public async Task One_that_another_key_signed_or_is_of_something_else_or_too_early_is_none()
    {
        using var other = SigningKey.Generate();
        Assert.Equal(ErasureFault.NotSigned, await FaultAsync(Sign(other, Record())));
        Assert.Equal(ErasureFault.AnotherBucket, await FaultAsync(Sign(service, Record() with { Bucket = Guid.NewGuid() })));
        Assert.Equal(ErasureFault.LeafMissing, await FaultAsync(Sign(service, Record() with { Leaves = [ErasureRecord.HashOf([1])] })));
        Assert.Equal(ErasureFault.Malformed, await FaultAsync(Sign(service, Record() with { Stories = 2 })));
        // A bucket that ended before the story did.
        Assert.Equal(ErasureFault.TooEarly, await FaultAsync(Sign(service, Record() with { Due = End.ToUnixTimeMilliseconds() - 1 })));
        // Signed beforehand, of what nobody can know yet; the second is a time that no calendar has.
        var soon = clock.GetUtcNow().AddMinutes(6).ToUnixTimeMilliseconds();
        Assert.Equal(ErasureFault.TooEarly, await FaultAsync(Sign(service, Record() with { Erased = soon })));
        Assert.Equal(ErasureFault.TooEarly, await FaultAsync(Sign(service, Record() with { Due = long.MaxValue, Erased = long.MaxValue })));
    }

    [Fact]
    public async Task Pending_says_when_and_missing_says_that_nothing_is_proven()
    {
        var pending = Assert.IsType<ErasureProof.Pending>(await VerifyAsync(Refusal(HttpStatusCode.Conflict, """{"code":"erasure.pending","title":"Not yet.","due":"2027-01-15T08:00:30+00:00"}""")));
        Assert.Equal(End.AddSeconds(30), pending.DueAt);
        Assert.Null(Assert.IsType<ErasureProof.NotProven>(await VerifyAsync(Refusal(HttpStatusCode.NotFound, """{"code":"notFound","title":"Nothing."}"""))).Fault);
        // Nothing says when.
        await Assert.ThrowsAsync<StoriesProblemException>(() => VerifyAsync(Refusal(HttpStatusCode.Conflict, """{"code":"erasure.pending","title":"Not yet."}""")));
    }

    [Fact]
    public async Task A_story_that_this_device_did_not_post_is_not_asked_for()
    {
        var standIn = new StandIn();
        Assert.IsType<ErasureProof.NotProven>(await Poster(standIn).VerifyErasureAsync(Guid.NewGuid(), Cancel));
        Assert.Empty(standIn.Asked);
    }

    private async Task<ErasureFault?> FaultAsync(Func<HttpRequestMessage, HttpResponseMessage> answer) => Assert.IsType<ErasureProof.NotProven>(await VerifyAsync(answer)).Fault;

    private Task<ErasureProof> VerifyAsync(Func<HttpRequestMessage, HttpResponseMessage> answer) =>
        Poster(new StandIn().On($"GET /v1/erasures/{ticket.Bucket}", answer)).VerifyErasureAsync(story, Cancel);

    private Poster Poster(StandIn standIn)
    {
        var self = new UserName("chat", "alice");
        var client = new StoriesClient(new Uri("http://service.test"), _ => ValueTask.FromResult("token"), standIn);
        return new Poster(client, store, new Stories.Client.Audiences(client, store, self), self, clock);
    }

    private ErasureRecord Record() => new(
        ticket.Deployment, ticket.Bucket, End.AddSeconds(30).ToUnixTimeMilliseconds(), End.AddSeconds(32).ToUnixTimeMilliseconds(), 1, 2, 300, [ErasureRecord.HashOf(ticket.Leaf)]);

    private static Func<HttpRequestMessage, HttpResponseMessage> Sign(SigningKey key, ErasureRecord record)
    {
        var bytes = StoriesJson.Write(record);
        return _ => StandIn.Json(new SignedRecord(bytes, key.Sign(SignaturePurpose.ErasureRecord, bytes), key.Id));
    }

    private static Func<HttpRequestMessage, HttpResponseMessage> Refusal(HttpStatusCode status, string problem) =>
        _ => new HttpResponseMessage(status) { Content = new StringContent(problem, Encoding.UTF8, "application/problem+json") };
}
