using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Stories.Client;
using Stories.Core.Viewing;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Viewing;

/// <summary>What viewers are told in the instants around a story's end. Judged by the instants that the answering request itself read from the clock.</summary>
public sealed class ExactEdgeTests(LocalServers servers) : IAsyncLifetime
{
    private const string Judged = "x-judged-at";

    private Service service = null!;
    private UserSession alice = null!;
    private HttpClient http = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers);
        alice = service.User("alice");
        var bob = service.User("bob");
        await alice.Audiences.RegisterAsync(Cancel);
        await bob.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
        http = service.Http("bob");
        http.BaseAddress = service.StartApi(services => services.AddSingleton<IStartupFilter>(new Judge(service.Clock))).Address;
    }

    public ValueTask DisposeAsync()
    {
        http.Dispose();
        return service.DisposeAsync();
    }

    [Fact]
    public async Task No_answer_shows_a_story_at_or_after_its_end_however_hard_one_asks_around_it()
    {
        var (text, photo, audience) = await PostAsync();
        var random = new Random(20261125);
        var rounds = Tier.Rounds(usually: 500, inTheLongTier: 10_000);
        var shown = 0;
        var refused = 0;
        for (var round = 0; round < rounds; round++)
        {
            var story = round % 4 == 0 ? photo : text;
            service.Clock.MoveTo(story.ExpiresAt - TimeSpan.FromMicroseconds(random.Next(30_000)));
            await Task.WhenAll(Questions(story.Story, audience).Select(async ask =>
            {
                for (DateTimeOffset asked; ;)
                {
                    asked = service.Clock.GetUtcNow();
                    var (isShown, at) = await ask();
                    Assert.False(isShown && at >= story.ExpiresAt, $"Round {round}: shown {at - story.ExpiresAt} after its end.");
                    _ = isShown ? Interlocked.Increment(ref shown) : Interlocked.Increment(ref refused);
                    if (asked >= story.ExpiresAt) return;
                }
            }));
        }
        // Both sides of the edge were seen, many times.
        Assert.InRange(shown, rounds, int.MaxValue);
        Assert.InRange(refused, rounds, int.MaxValue);
    }

    [Fact]
    public async Task The_last_microsecond_shows_a_story_and_the_next_does_not()
    {
        var (text, _, audience) = await PostAsync();
        foreach (var (at, expected) in new[] { (-1, true), (0, false), (1, false) })
        {
            service.Clock.Freeze(text.ExpiresAt + TimeSpan.FromMicroseconds(at));
            var answers = new List<(bool IsShown, DateTimeOffset At)>();
            foreach (var ask in Questions(text.Story, audience)) answers.Add(await ask());
            Assert.All(answers, answer => Assert.Equal((expected, service.Clock.GetUtcNow()), answer));
        }
    }

    [Theory]
    [InlineData(Level.Processed)]
    [InlineData(Level.Clear)]
    public async Task A_signed_URL_ends_with_its_story_and_with_its_purpose_whichever_is_first(Level level)
    {
        var posted = await alice.PostAsync([Samples.CompliantVideo], level, TimeSpan.FromMinutes(20), cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        var random = new Random(20261125);
        var issued = 0;
        for (var round = 0; round < Tier.Rounds(usually: 100, inTheLongTier: 2_000); round++)
        {
            // Mostly the last minutes, and within them mostly the last seconds.
            var left = TimeSpan.FromSeconds(Math.Pow(random.NextDouble(), 3) * 600);
            service.Clock.Freeze(posted.ExpiresAt - left);
            using var answer = await http.GetAsync($"v1/stories/{posted.Story}", Cancel);
            if (answer.StatusCode == HttpStatusCode.NotFound)
            {
                Assert.InRange(left, TimeSpan.Zero, TimeSpan.FromSeconds(2));
                continue;
            }
            var now = service.Clock.GetUtcNow();
            foreach (var url in (await answer.Content.ReadFromJsonAsync<StoryView>(StoriesJson.Options, Cancel))!.Renditions)
            {
                issued++;
                var query = System.Web.HttpUtility.ParseQueryString(new Uri(url.Url).Query);
                var end = DateTimeOffset.Parse(query["se"]!, CultureInfo.InvariantCulture);
                Assert.Equal(url.ExpiresAt, end);
                Assert.InRange(end, now + TimeSpan.FromSeconds(1), posted.ExpiresAt);
                // The sample lasts for two seconds, and no longer than this.
                Assert.InRange(end - now, TimeSpan.Zero, TimeSpan.FromMinutes(2) + (level == Level.Clear ? TimeSpan.FromSeconds(3) : TimeSpan.Zero));
            }
        }
        Assert.InRange(issued, 100, int.MaxValue);
        Assert.Null(UrlLife.ForSealed(posted.ExpiresAt, posted.ExpiresAt));
    }

    /// <summary>A text story, a live photo story, and the audience of both.</summary>
    private async Task<(StoryProgress Text, StoryProgress Photo, Guid Audience)> PostAsync()
    {
        var photo = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(10), cancellationToken: Cancel);
        await service.ProcessAsync(photo.Story, Cancel);
        var text = await alice.PostAsync([], lifetime: TimeSpan.FromMinutes(10), caption: "until then", cancellationToken: Cancel);
        return (text, photo, alice.Store.FindAudience("friends")!.Value);
    }

    /// <summary>Every way to see a story or that there is one, and the last instant by which the answer was judged.</summary>
    private IEnumerable<Func<Task<(bool IsShown, DateTimeOffset At)>>> Questions(Guid story, Guid audience)
    {
        yield return () => AskAsync(HttpMethod.Get, "v1/tray", null, story);
        yield return () => AskAsync(HttpMethod.Get, $"v1/audiences/{audience}/stories", null, story);
        yield return () => AskAsync(HttpMethod.Get, $"v1/stories/{story}", null, story);
        yield return () => AskAsync(HttpMethod.Post, "v1/stories/open", new OpenRequest([story]), story);
        yield return () => AskAsync(HttpMethod.Put, $"v1/stories/{story}/seen", null, story);
    }

    private async Task<(bool IsShown, DateTimeOffset At)> AskAsync(HttpMethod method, string path, object? body, Guid story)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body, options: StoriesJson.Options) };
        using var answer = await http.SendAsync(request, Cancel);
        var isShown = answer.IsSuccessStatusCode && (answer.StatusCode == HttpStatusCode.NoContent || (await answer.Content.ReadAsStringAsync(Cancel)).Contains(story.ToString(), StringComparison.Ordinal));
        if (!answer.IsSuccessStatusCode) Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        return (isShown, new DateTimeOffset(long.Parse(answer.Headers.GetValues(Judged).Single(), CultureInfo.InvariantCulture), TimeSpan.Zero));
    }

    /// <summary>Notes in each answer the last instant that its request read from the clock.</summary>
    private sealed class Judge(TestClock clock) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, rest) =>
            {
                var instants = new ConcurrentQueue<DateTimeOffset>();
                clock.Listen(instants.Enqueue);
                context.Response.OnStarting(() =>
                {
                    context.Response.Headers[Judged] = instants.Max().UtcTicks.ToString(CultureInfo.InvariantCulture);
                    return Task.CompletedTask;
                });
                return rest(context);
            });
            next(app);
        };
    }
}
