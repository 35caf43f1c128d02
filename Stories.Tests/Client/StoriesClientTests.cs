using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Stories.Client;
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
    public async Task An_answer_that_is_none_counts_as_not_reached(string body)
    {
        using var client = Client(new StandIn().On("GET /prefix/v1/tray", _ => new HttpResponseMessage { Content = new StringContent(body, Encoding.UTF8, "application/json") }));
        Assert.Equal(HttpRequestError.InvalidResponse, (await Assert.ThrowsAsync<HttpRequestException>(() => client.ShowTrayAsync(Cancel))).HttpRequestError);
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
