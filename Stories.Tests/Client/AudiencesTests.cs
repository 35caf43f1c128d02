using System.Net;
using System.Net.Http.Json;
using Stories.Client;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Tests.Client;

/// <summary>Two processes of one device that found, name and forget an audience at the same time.</summary>
public sealed class AudiencesTests : IDisposable
{
    private static readonly UserName Alice = new("chat", "alice");

    private readonly string home = Directory.CreateTempSubdirectory("stories-audiences-").FullName;
    private readonly List<Guid> founded = [];
    private readonly StandIn service;
    private readonly StoriesClient client;
    private readonly DeviceStore store;
    private readonly DeviceStore other;

    public AudiencesTests()
    {
        store = DeviceStore.Open(home);
        other = DeviceStore.Open(home);
        service = new StandIn()
            .On("GET /v1/devices", new DeviceList([new DeviceView(store.Id, Alice.ToString(), store.Identity.Recipient.ToString(), store.SigningKey.PublicKey, DateTimeOffset.UnixEpoch)]))
            .On("GET /v1/audiences/*", request => StandIn.Json(View(IdOf(request), store.Identity.Recipient.ToString())))
            .On("DELETE /v1/audiences/*", _ => new HttpResponseMessage(HttpStatusCode.NoContent))
            .On("PUT /v1/audiences/*/epochs/*", request =>
            {
                founded.Add(IdOf(request));
                return StandIn.Json(View(IdOf(request), request.Content!.ReadFromJsonAsync<EpochRequest>(StoriesJson.Options, Cancel).GetAwaiter().GetResult()!.Recipient));
            });
        client = new StoriesClient(new Uri("http://service.test"), _ => ValueTask.FromResult("token"), service);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Stories.Client.Audiences Audiences => new(client, store, Alice);

    public void Dispose()
    {
        client.Dispose();
        store.Dispose();
        other.Dispose();
        Directory.Delete(home, recursive: true);
    }

    [Fact]
    public async Task Who_loses_the_race_for_a_name_leaves_no_audience_behind()
    {
        var theirs = Guid.NewGuid();
        service.On("PUT /v1/audiences/*/epochs/*", _ =>
        {
            other.NameAudience("friends", theirs);
            return null;
        });
        Assert.Equal(theirs, (await Audiences.FindOrFoundAsync("friends", Cancel)).Id);
        Assert.Contains($"DELETE /v1/audiences/{founded.Single()}", service.Asked);
        Assert.Null(store.FindEpoch(founded[0], 1));
    }

    [Fact]
    public async Task One_whose_founding_was_not_answered_is_taken_back()
    {
        service.On("PUT /v1/audiences/*/epochs/*", request =>
        {
            founded.Add(IdOf(request));
            throw new HttpRequestException("The connection was cut.");
        });
        await Assert.ThrowsAsync<HttpRequestException>(() => Audiences.FindOrFoundAsync("friends", Cancel));
        Assert.Equal($"DELETE /v1/audiences/{founded.Single()}", service.Asked[^1]);
        Assert.Null(store.FindAudience("friends"));
    }

    [Fact]
    public async Task An_audience_that_another_process_founded_in_the_place_of_one_that_is_gone_is_found()
    {
        var (gone, theirs) = (store.NameAudience("friends", Guid.NewGuid()), Guid.NewGuid());
        service.On($"GET /v1/audiences/{gone}", _ =>
        {
            other.ForgetAudience(gone);
            other.NameAudience("friends", theirs);
            return StandIn.Refusal(HttpStatusCode.NotFound, ProblemCodes.NotFound);
        });
        Assert.Equal(theirs, (await Audiences.FindOrFoundAsync("friends", Cancel)).Id);
        Assert.Empty(founded);
    }

    private static AudienceView View(Guid id, string recipient) => new(id, Alice.ToString(), AudienceKind.List, 1, recipient, []);

    private static Guid IdOf(HttpRequestMessage request) => Guid.Parse(request.RequestUri!.Segments[3].TrimEnd('/'));
}
