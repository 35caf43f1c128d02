using System.Net;
using System.Net.Http.Json;
using Stories.Protocol;

namespace Stories.Tests.Client;

/// <summary>Stands in for a service that answers what a real one never does.</summary>
internal sealed class StandIn : HttpMessageHandler
{
    private readonly Dictionary<string, Func<HttpRequestMessage, HttpResponseMessage>> answers = [];

    /// <summary>Method and path of all that was asked.</summary>
    public List<string> Asked { get; } = [];

    public StandIn On(string methodAndPath, Func<HttpRequestMessage, HttpResponseMessage> answer)
    {
        answers[methodAndPath] = answer;
        return this;
    }

    public StandIn On<T>(string methodAndPath, T json) => On(methodAndPath, _ => Json(json));

    public static HttpResponseMessage Json<T>(T value) => new(HttpStatusCode.OK) { Content = JsonContent.Create(value, options: StoriesJson.Options) };

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var asked = $"{request.Method} {request.RequestUri!.AbsolutePath}";
        Asked.Add(asked);
        return Task.FromResult(answers.TryGetValue(asked, out var answer) ? answer(request) : new HttpResponseMessage(HttpStatusCode.NotFound));
    }
}
