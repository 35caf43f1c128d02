using System.Collections;
using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using System.Text;
using System.Text.Json;
using Stories.Client;
using Stories.Client.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Tests.Client;

public sealed class StoriesClientTests
{
    private static readonly Uri Address = new("http://service.test/prefix");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_refusal_keeps_its_code_its_words_and_how_long_to_wait()
    {
        var problem = await RefusedAsync(HttpStatusCode.ServiceUnavailable, """{"code":"story.backlog","title":"Too far behind.","detail":"Two hours.","status":503}""", retryAfter: 40);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, ProblemCodes.StoryBacklog, "Too far behind.", "Two hours."), (problem.Status, problem.Code, problem.Title, problem.Detail));
        Assert.Equal("Too far behind. Two hours.", problem.Message);
        Assert.Equal(TimeSpan.FromSeconds(40), problem.RetryAfter);
    }

    [Theory]
    [InlineData("<html>Bad gateway</html>")]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"code\":5,\"title\":null}")]
    [InlineData("null")]
    public async Task A_refusal_of_something_in_between_has_its_status_as_code(string body)
    {
        var problem = await RefusedAsync(HttpStatusCode.BadGateway, body);
        Assert.Equal(("http.502", "The service answered 502.", null, null), (problem.Code, problem.Title, problem.Detail, problem.RetryAfter));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("<html>")]
    [InlineData("{\"authors\":1}")]
    [InlineData("{}")]
    [InlineData("{\"authors\":null}")]
    [InlineData("{\"authors\":[null]}")]
    [InlineData("{\"authors\":[{\"author\":\"chat/alice\",\"unseen\":1,\"latestAt\":\"2026-01-02T03:04:05Z\"}]}")]
    [InlineData("{\"authors\":[{\"author\":\"\\ud800\",\"unseen\":1,\"latestAt\":\"2026-01-02T03:04:05Z\",\"stories\":[]}]}")]
    public async Task An_answer_that_is_none_counts_as_not_reached(string body)
    {
        using var client = Client(new StandIn().On("GET /prefix/v1/tray", _ => new HttpResponseMessage { Content = new StringContent(body, Encoding.UTF8, "application/json") }));
        Assert.Equal(HttpRequestError.InvalidResponse, (await Assert.ThrowsAsync<HttpRequestException>(() => client.ShowTrayAsync(Cancel))).HttpRequestError);
    }

    [Fact]
    public async Task An_answer_is_read_as_JSON_is_whatever_charset_it_says_it_has()
    {
        var answer = new HttpResponseMessage { Content = new StringContent("""{"authors":[]}""") };
        answer.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json; charset=of-our-own");
        using var client = Client(new StandIn().On("GET /prefix/v1/tray", _ => answer));
        Assert.Empty((await client.ShowTrayAsync(Cancel)).Authors);
    }

    [Theory]
    [InlineData("""{"code":"story.backlog","title":"half of a pair: \ud800"}""", "application/problem+json")]
    [InlineData("""{"code":"story.backlog","title":"The service answered 503."}""", "application/problem+json; charset=of-our-own")]
    [InlineData("""{"code":"story.backlog","title":"The service answered 503.","faults":[null]}""", "application/problem+json")]
    public async Task A_refusal_in_words_that_are_none_keeps_its_code(string body, string contentType)
    {
        var answer = new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Content = new StringContent(body) };
        answer.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        using var client = Client(new StandIn().On("GET /prefix/v1/tray", _ => answer));
        var problem = await Assert.ThrowsAsync<StoriesProblemException>(() => client.ShowTrayAsync(Cancel));
        Assert.Equal((ProblemCodes.StoryBacklog, "The service answered 503."), (problem.Code, problem.Title));
        Assert.Empty(problem.Faults);
    }

    public static TheoryData<Type> Answers => new(
        from speaker in new[] { typeof(StoriesClient), typeof(AdsClient), typeof(AdCreatives), typeof(AdReports) }
        from method in speaker.GetMethods()
        where method.ReturnType.IsGenericType && method.ReturnType.GetGenericTypeDefinition() == typeof(Task<>)
        let answer = method.ReturnType.GetGenericArguments()[0]
        where answer.Namespace!.StartsWith("Stories.Protocol", StringComparison.Ordinal)
        group answer by answer into one
        select one.Key);

    [Theory]
    [MemberData(nameof(Answers))]
    public void Whatever_a_service_leaves_out_because_it_is_null_is_not_missed(Type answer)
    {
        var whole = Make(answer, depth: 0)!;
        var json = JsonSerializer.Serialize(whole, answer, StoriesJson.Options);
        var read = JsonSerializer.Deserialize(json, answer, Stories.Client.Answer.Options);
        Assert.Equal(json, JsonSerializer.Serialize(read, answer, StoriesJson.Options));

        // What can be null is; a list has one of each.
        static object? Make(Type type, int depth)
        {
            if (depth > 8) throw new InvalidOperationException($"{type} has itself in it.");
            if (type == typeof(string)) return "x";
            if (type == typeof(byte[])) return Array.Empty<byte>();
            if (type.IsGenericType && type.IsInterface)
            {
                var element = type.GetGenericArguments()[0];
                var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(element))!;
                list.Add(Make(element, depth + 1));
                return list;
            }
            if (type.IsValueType) return Activator.CreateInstance(type);
            var nullability = new NullabilityInfoContext();
            var constructor = type.GetConstructors().MaxBy(c => c.GetParameters().Length)!;
            return constructor.Invoke([.. constructor.GetParameters().Select(p => nullability.Create(p).WriteState == NullabilityState.Nullable ? null : Make(p.ParameterType, depth + 1))]);
        }
    }

    [Theory]
    [InlineData(5, 5)]
    [InlineData(3600, 30)]
    [InlineData(int.MaxValue, 30)]
    public async Task A_service_that_asks_for_patience_is_given_half_a_minute_at_a_time(int asked, int given)
    {
        var problem = await RefusedAsync(HttpStatusCode.ServiceUnavailable, """{"code":"service.unavailable","title":"Away."}""", retryAfter: asked);
        Assert.Equal(TimeSpan.FromSeconds(given), PassingTrouble.Wait(problem, 1));
    }

    [Fact]
    public async Task An_answer_that_is_larger_than_any_is_left()
    {
        using var client = Client(new StandIn().On("GET /prefix/v1/tray", _ => new HttpResponseMessage { Content = new ByteArrayContent(new byte[(16 << 20) + 1]) }));
        Assert.Equal(HttpRequestError.ConfigurationLimitExceeded, (await Assert.ThrowsAsync<HttpRequestException>(() => client.ShowTrayAsync(Cancel))).HttpRequestError);
    }

    [Fact]
    public async Task The_token_is_asked_for_at_each_request()
    {
        var seen = new List<AuthenticationHeaderValue?>();
        var standIn = new StandIn().On("GET /prefix/v1/tray", request =>
        {
            seen.Add(request.Headers.Authorization);
            return StandIn.Json(new TrayView([]));
        });
        var number = 0;
        using var client = new StoriesClient(Address, _ => ValueTask.FromResult($"token{++number}"), standIn);
        await client.ShowTrayAsync(Cancel);
        await client.ShowTrayAsync(Cancel);
        Assert.Equal(["Bearer token1", "Bearer token2"], seen.Select(h => h!.ToString()));
    }

    private static StoriesClient Client(StandIn standIn) => new(Address, _ => ValueTask.FromResult("token"), standIn);

    private static async Task<StoriesProblemException> RefusedAsync(HttpStatusCode status, string body, int? retryAfter = null)
    {
        using var client = Client(new StandIn().On("GET /prefix/v1/tray", _ =>
        {
            var answer = new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, "application/problem+json") };
            if (retryAfter is { } seconds) answer.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(seconds));
            return answer;
        }));
        return await Assert.ThrowsAsync<StoriesProblemException>(() => client.ShowTrayAsync(Cancel));
    }
}
