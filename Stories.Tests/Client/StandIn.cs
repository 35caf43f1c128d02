using System.Net;
using System.Net.Http.Json;
using System.Text;
using Stories.Protocol;

namespace Stories.Tests.Client;

/// <summary>Stands in for a service that answers what a real one never does.</summary>
internal sealed class StandIn : HttpMessageHandler
{
    private readonly List<(string[] Route, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage?>> Answer)> answers = [];

    /// <summary>Method and path of all that was asked.</summary>
    public List<string> Asked { get; } = [];

    /// <param name="methodAndPath">For instance <c>PUT /v1/stories/*</c>, where the client chooses the id.</param>
    /// <param name="answer">Comes before what was said of the same earlier; null leaves it to that.</param>
    public StandIn On(string methodAndPath, Func<HttpRequestMessage, HttpResponseMessage?> answer) => On(methodAndPath, (request, _) => Task.FromResult(answer(request)));

    public StandIn On(string methodAndPath, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage?>> answer)
    {
        answers.Insert(0, (methodAndPath.Split('/'), answer));
        return this;
    }

    public StandIn On<T>(string methodAndPath, T json) => On(methodAndPath, _ => Json(json));

    /// <summary>Takes a request and never says a word.</summary>
    public StandIn Silent(string methodAndPath) => On(methodAndPath, async (_, cancellationToken) =>
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        return null;
    });

    public static HttpResponseMessage Json<T>(T value) => new(HttpStatusCode.OK) { Content = JsonContent.Create(value, options: StoriesJson.Options) };

    public static HttpResponseMessage Refusal(HttpStatusCode status, string code) =>
        new(status) { Content = new StringContent($$"""{"code":"{{code}}","title":"No."}""", Encoding.UTF8, "application/problem+json") };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var asked = $"{request.Method} {request.RequestUri!.AbsolutePath}";
        Asked.Add(asked);
        var parts = asked.Split('/');
        foreach (var (route, answer) in answers.Where(a => IsOn(a.Route, parts)).ToList())
            if (await answer(request, cancellationToken) is { } said) return said;
        return new HttpResponseMessage(HttpStatusCode.NotFound);
    }

    private static bool IsOn(string[] route, string[] parts) => route.Length == parts.Length && route.Zip(parts).All(pair => pair.First == "*" || pair.First == pair.Second);
}
