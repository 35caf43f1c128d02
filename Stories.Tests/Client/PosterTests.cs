using System.Net;
using System.Net.Http.Json;
using Stories.Age;
using Stories.Client;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Client;

/// <summary>What an author is told of a post, and what is left of one that was given up, when service, network and disk do what they seldom do.</summary>
public sealed class PosterTests : IDisposable
{
    private static readonly UserName Alice = new("chat", "alice");

    private readonly string home = Directory.CreateTempSubdirectory("stories-poster-").FullName;
    private readonly HandClock clock = new();
    private readonly SigningKey serviceKey = SigningKey.Generate();
    private readonly AgeIdentity processing = AgeIdentity.Generate();
    private readonly Guid upload = Guid.NewGuid();
    private readonly List<StoryManifest> sent = [];
    private readonly StandIn service;
    private readonly StoriesClient client;
    private readonly DeviceStore store;

    public PosterTests()
    {
        store = DeviceStore.Open(home);
        service = Service();
        client = new StoriesClient(new Uri("http://service.test"), _ => ValueTask.FromResult("token"), service, clock);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string DeviceFile => Path.Combine(home, "device.json");

    public void Dispose()
    {
        client.Dispose();
        store.Dispose();
        processing.Dispose();
        serviceKey.Dispose();
        Directory.Delete(home, recursive: true);
    }

    [Fact]
    public async Task A_story_that_is_accepted_is_posted_though_its_ticket_cannot_be_kept()
    {
        service.On("PUT /v1/stories/*", request =>
        {
            var answer = Accept(request);
            File.Delete(DeviceFile);
            return answer;
        });
        var posted = await PostAsync([]);
        Assert.NotNull(posted.Ticket);
        Assert.Empty(store.Tickets);
        Assert.DoesNotContain(service.Asked, asked => asked.StartsWith("DELETE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_gives_up_while_the_acceptance_is_on_its_way_has_uploads_ended_and_then_the_story_withdrawn()
    {
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        service.On("PUT /v1/stories/*", async (request, cancellationToken) =>
        {
            var answer = Accept(request);
            await impatient.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            return answer;
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PostAsync([Samples.Photo], impatient.Token));
        Assert.Equal([$"DELETE /v1/uploads/{upload}", $"DELETE /v1/stories/{sent.Single().Story}"], service.Asked.TakeLast(2));
    }

    [Theory]
    [InlineData("GET /v1/keys")]
    [InlineData("POST /v1/devices")]
    [InlineData("POST /v1/uploads")]
    [InlineData("GET /v1/devices")]
    [InlineData("PUT /v1/audiences/*/epochs/*")]
    [InlineData("PUT /v1/stories/*")]
    public async Task A_service_that_is_away_for_a_moment_costs_no_file_its_upload(string request)
    {
        var refusals = 2;
        service.On(request, _ => refusals-- > 0 ? StandIn.Refusal(HttpStatusCode.ServiceUnavailable, ProblemCodes.Unavailable) : null);
        await PostAsync([Samples.Photo]);
        Assert.True(refusals < 0);
        Assert.Single(sent);
        Assert.Single(service.Asked, asked => asked.StartsWith("PATCH", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_manifest_that_has_grown_old_between_tries_is_signed_anew()
    {
        var tries = 0;
        service.On("PUT /v1/stories/*", request =>
        {
            if (tries++ == 0) clock.Advance(TimeSpan.FromMinutes(3));
            return tries switch
            {
                1 => Refuse(request, HttpStatusCode.ServiceUnavailable, ProblemCodes.Unavailable),
                2 => Refuse(request, HttpStatusCode.BadRequest, ProblemCodes.StoryCreatedAtOutOfRange),
                _ => null,
            };
        });
        await PostAsync([Samples.Photo]);
        Assert.Equal(3, sent.Count);
        Assert.Equal(sent[0].CreatedAt, sent[1].CreatedAt);
        Assert.InRange(sent[2].CreatedAt - sent[0].CreatedAt, 180, 200);
        Assert.Single(service.Asked, asked => asked.StartsWith("PATCH", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_device_whose_clock_is_wrong_is_told_so_at_once()
    {
        service.On("PUT /v1/stories/*", request => Refuse(request, HttpStatusCode.BadRequest, ProblemCodes.StoryCreatedAtOutOfRange));
        var posting = PostAsync([]);
        Assert.Equal(ProblemCodes.StoryCreatedAtOutOfRange, (await Assert.ThrowsAsync<StoriesProblemException>(() => posting)).Code);
        Assert.Single(sent);
    }

    [Fact]
    public async Task A_full_disk_is_told_and_not_tried_again_as_if_the_service_were_away()
    {
        service.On("GET /v1/devices", _ =>
        {
            File.Delete(DeviceFile);
            return null;
        });
        await Assert.ThrowsAsync<FileNotFoundException>(() => PostAsync([]));
        Assert.Single(service.Asked, asked => asked == "GET /v1/devices");
    }

    private async Task<StoryProgress> PostAsync(string[] files, CancellationToken? cancellationToken = null)
    {
        var poster = new Poster(client, store, new Stories.Client.Audiences(client, store, Alice), Alice, clock);
        var posting = poster.PostAsync(new Draft(files, Level.Processed, TimeSpan.FromHours(1), "friends", "at the lake"), (_, _) => { }, cancellationToken ?? Cancel);
        await clock.PassAsync(posting);
        return await posting;
    }

    private HttpResponseMessage Accept(HttpRequestMessage request)
    {
        var manifest = Note(request);
        var end = DateTimeOffset.FromUnixTimeSeconds(manifest.CreatedAt + manifest.Lifetime);
        return StandIn.Json(new StoryProgress(manifest.Story, StoryState.Accepted, end, 0, Stage.Waiting, 0, Ticket: new ErasureTicket("here", Guid.NewGuid(), new byte[32])));
    }

    private HttpResponseMessage Refuse(HttpRequestMessage request, HttpStatusCode status, string code)
    {
        Note(request);
        return StandIn.Refusal(status, code);
    }

    private StoryManifest Note(HttpRequestMessage request)
    {
        var body = Read<PublishRequest>(request);
        sent.Add(StoriesJson.ReadCanonical<StoryManifest>(body.Manifest)!);
        return sent[^1];
    }

    private static T Read<T>(HttpRequestMessage request) => request.Content!.ReadFromJsonAsync<T>(StoriesJson.Options, Cancel).GetAwaiter().GetResult()!;

    private StandIn Service()
    {
        var key = StoriesJson.Write(new ProcessingKeyEntry(Guid.NewGuid(), processing.Recipient.ToString(), clock.GetUtcNow().AddDays(1).ToUnixTimeSeconds()));
        var device = new DeviceView(store.Id, Alice.ToString(), store.Identity.Recipient.ToString(), store.SigningKey.PublicKey, clock.GetUtcNow());
        AudienceView? audience = null;
        return new StandIn()
            .On("GET /v1/keys", new KeyList(serviceKey.PublicKey, [new SignedRecord(key, serviceKey.Sign(SignaturePurpose.ProcessingKey, key), serviceKey.Id)]))
            .On("POST /v1/devices", device)
            .On("GET /v1/devices", new DeviceList([device]))
            .On("POST /v1/uploads", _ => new HttpResponseMessage(HttpStatusCode.Created) { Headers = { { "Location", $"/v1/uploads/{upload}" } } })
            .On("PATCH /v1/uploads/*", request => new HttpResponseMessage(HttpStatusCode.NoContent) { Headers = { { "Upload-Offset", $"{request.Content!.Headers.ContentLength}" } } })
            .On("DELETE /v1/uploads/*", _ => new HttpResponseMessage(HttpStatusCode.NoContent))
            .On("DELETE /v1/stories/*", _ => new HttpResponseMessage(HttpStatusCode.NoContent))
            .On("GET /v1/audiences/*", _ => StandIn.Json(audience))
            .On("PUT /v1/stories/*", Accept)
            .On("PUT /v1/audiences/*/epochs/*", request =>
            {
                var epoch = Read<EpochRequest>(request);
                audience = new AudienceView(Guid.Parse(request.RequestUri!.Segments[3].TrimEnd('/')), Alice.ToString(), AudienceKind.List, 1, epoch.Recipient, epoch.Members);
                return StandIn.Json(audience);
            });
    }
}
