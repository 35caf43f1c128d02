using System.Net;
using System.Web;
using Stories.Client;
using Stories.Core.Viewing;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Viewing;

public sealed class ViewingTests(LocalServers servers) : IAsyncLifetime
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
    public async Task The_tray_shows_unseen_authors_first_and_within_one_the_oldest_first()
    {
        var carol = service.User("carol");
        await carol.Audiences.RegisterAsync(Cancel);
        await carol.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
        var ofAlice = await TextAsync(alice);
        service.Clock.Advance(TimeSpan.FromSeconds(5));
        var first = await TextAsync(carol);
        service.Clock.Advance(TimeSpan.FromSeconds(5));
        var second = await TextAsync(carol);

        var tray = await bob.Client.ShowTrayAsync(Cancel);
        Assert.Equal(["chat/carol", "chat/alice"], tray.Authors.Select(a => a.Author));
        Assert.Equal([first, second], tray.Authors[0].Stories.Select(s => s.Story));
        await bob.Client.MarkSeenAsync(first, Cancel);
        await bob.Client.MarkSeenAsync(second, Cancel);
        await bob.Client.MarkSeenAsync(second, Cancel);
        tray = await bob.Client.ShowTrayAsync(Cancel);
        Assert.Equal([("chat/alice", 1), ("chat/carol", 0)], tray.Authors.Select(a => (a.Author, a.Unseen)));
        Assert.Equal([ofAlice], (await bob.Client.ListStoriesAsync((await bob.Client.OpenAsync(ofAlice, Cancel)).Audience, Cancel)).Stories.Select(s => s.Story));
    }

    [Fact]
    public async Task Missing_expired_withdrawn_and_forbidden_get_the_same_answer()
    {
        var forbidden = await TextAsync(alice);
        var withdrawn = await TextAsync(alice);
        await alice.Client.WithdrawAsync(withdrawn, Cancel);
        var expired = await TextAsync(alice, lifetime: 60);
        service.Clock.Advance(TimeSpan.FromSeconds(61));
        using var mallory = service.Http("mallory");
        var answers = new List<(HttpStatusCode, string)>();
        foreach (var id in new[] { Guid.NewGuid(), forbidden, withdrawn, expired })
        {
            using var answer = await mallory.GetAsync($"v1/stories/{id}", Cancel);
            answers.Add((answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel)));
        }
        Assert.Single(answers.Distinct());
        Assert.Equal(HttpStatusCode.NotFound, answers[0].Item1);
    }

    [Fact]
    public async Task Opening_many_answers_those_that_may_be_seen_and_is_bounded()
    {
        var one = await TextAsync(alice);
        var two = await TextAsync(alice);
        using var http = service.Http("bob", app: Service.PhotosApp);
        var answer = await System.Net.Http.Json.HttpClientJsonExtensions.PostAsJsonAsync(http, "v1/stories/open", new OpenRequest([two, Guid.NewGuid(), one]), StoriesJson.Options, Cancel);
        var opened = await System.Net.Http.Json.HttpContentJsonExtensions.ReadFromJsonAsync<OpenAnswer>(answer.Content, StoriesJson.Options, Cancel);
        Assert.Equal([two, one], opened!.Stories.Select(s => s.Story));
        answer = await System.Net.Http.Json.HttpClientJsonExtensions.PostAsJsonAsync(http, "v1/stories/open", new OpenRequest([.. Enumerable.Range(0, 51).Select(_ => Guid.NewGuid())]), StoriesJson.Options, Cancel);
        Assert.Equal(ProblemCodes.RequestInvalid, await Tus.CodeAsync(answer));
    }

    [Fact]
    public async Task A_signed_URL_reads_its_one_blob_and_nothing_else()
    {
        var posted = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        var view = await bob.Client.OpenAsync(posted.Story, Cancel);
        var url = new Uri(view.Renditions[0].Url);
        var other = new Uri(view.Renditions[1].Url);
        using var http = new HttpClient();
        using var good = await http.GetAsync(url, Cancel);
        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
        Assert.Equal("application/octet-stream", good.Content.Headers.ContentType!.MediaType);
        Assert.Equal("attachment", good.Content.Headers.ContentDisposition!.DispositionType);

        using var neighbour = await http.GetAsync(new UriBuilder(url) { Path = other.AbsolutePath }.Uri, Cancel);
        using var key = await http.GetAsync(new UriBuilder(url) { Path = url.AbsolutePath[..url.AbsolutePath.LastIndexOf('/')] + "/key" }.Uri, Cancel);
        using var list = await http.GetAsync(new UriBuilder(url) { Path = url.AbsolutePath[..url.AbsolutePath.LastIndexOf('/')], Query = url.Query.TrimStart('?') + "&restype=container&comp=list" }.Uri, Cancel);
        using var delete = await http.DeleteAsync(url, Cancel);
        using var put = await http.PutAsync(url, new ByteArrayContent([1]) { Headers = { { "x-ms-blob-type", "BlockBlob" } } }, Cancel);
        var query = HttpUtility.ParseQueryString(url.Query);
        query["rsct"] = "text/html";
        using var retyped = await http.GetAsync(new UriBuilder(url) { Query = query.ToString() }.Uri, Cancel);
        Assert.All([neighbour, key, list, delete, put, retyped], answer => Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.Forbidden, HttpStatusCode.NotFound, HttpStatusCode.BadRequest }));
    }

    [Fact]
    public async Task Viewers_who_ask_within_a_minute_share_a_URL_that_never_outlives_the_story()
    {
        service.Clock.MoveTo(new DateTimeOffset(service.Clock.GetUtcNow().Ticks / TimeSpan.TicksPerMinute * TimeSpan.TicksPerMinute, TimeSpan.Zero).AddMinutes(1).AddSeconds(5));
        var posted = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(10), cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        var ofBob = await bob.Client.OpenAsync(posted.Story, Cancel);
        var ofAlice = await alice.Client.OpenAsync(posted.Story, Cancel);
        Assert.Equal(ofBob.Renditions.Select(r => r.Url), ofAlice.Renditions.Select(r => r.Url));
        service.Clock.MoveTo(posted.ExpiresAt - TimeSpan.FromSeconds(30));
        Assert.All((await bob.Client.OpenAsync(posted.Story, Cancel)).Renditions, r => Assert.True(r.ExpiresAt <= posted.ExpiresAt));
        service.Clock.MoveTo(posted.ExpiresAt - TimeSpan.FromMilliseconds(500));
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => bob.Client.OpenAsync(posted.Story, Cancel))).Code);
    }

    [Fact]
    public void A_sealed_URL_lives_one_to_two_minutes_on_the_grid_and_a_clear_one_as_long_as_the_video_and_two_minutes()
    {
        var now = new DateTimeOffset(2026, 1, 1, 12, 0, 30, TimeSpan.Zero);
        Assert.Equal(now.AddSeconds(90), UrlLife.ForSealed(now, now.AddHours(1)));
        Assert.Equal(now.AddSeconds(20), UrlLife.ForSealed(now, now.AddSeconds(20.7)));
        Assert.Null(UrlLife.ForSealed(now, now.AddSeconds(0.9)));
        Assert.Equal(now.AddSeconds(150), UrlLife.ForClear(TimeSpan.FromSeconds(30), now, now.AddHours(1)));
    }

    private async Task<Guid> TextAsync(UserSession author, int lifetime = 3600)
    {
        var publishing = await new Publishing(service, author).PrepareAsync();
        await publishing.PublishAsync(publishing.Request(m => m with { Lifetime = lifetime }));
        return publishing.Story;
    }
}
