using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

/// <summary>What the framework refuses by itself, to callers who do not say that they take JSON.</summary>
public sealed class RefusalTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("text/csv")]
    [InlineData("text/html,application/xhtml+xml")]
    [InlineData("application/octet-stream")]
    public async Task Every_refusal_is_a_problem_document_whatever_the_caller_takes(string accept)
    {
        await using var database = FaultProxy.Before(servers.PostgresPort);
        await using var service = await Service.StartAsync(servers, withWorker: false, toDatabase: database);
        using var nobody = new HttpClient { BaseAddress = service.Address };
        using var viewer = service.Http("alice", scope: "stories.view");
        nobody.DefaultRequestHeaders.Accept.ParseAdd(accept);
        viewer.DefaultRequestHeaders.Accept.ParseAdd(accept);

        await RefusesAsync(nobody, HttpMethod.Get, "v1/tray", HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated);
        await RefusesAsync(viewer, HttpMethod.Get, "v1/buckets", HttpStatusCode.Forbidden, ProblemCodes.Forbidden);
        await RefusesAsync(viewer, HttpMethod.Get, "v1/nothing", HttpStatusCode.NotFound, ProblemCodes.NotFound);
        await RefusesAsync(viewer, HttpMethod.Delete, "v1/tray", HttpStatusCode.MethodNotAllowed, ProblemCodes.NotFound);
        await RefusesAsync(viewer, HttpMethod.Post, "v1/stories/open", HttpStatusCode.BadRequest, ProblemCodes.RequestInvalid, "{");
        await RefusesAsync(viewer, HttpMethod.Post, "v1/stories/open", HttpStatusCode.UnsupportedMediaType, ProblemCodes.RequestInvalid, "{}", "text/plain");
        await RefusesAsync(viewer, HttpMethod.Post, "v1/stories/open", HttpStatusCode.RequestEntityTooLarge, ProblemCodes.RequestTooLarge, new string(' ', 300_000));
        // A mistake of ours that no caller can bring about, and a database that is away.
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("drop table seen cascade", Cancel));
        await RefusesAsync(viewer, HttpMethod.Get, "v1/tray", HttpStatusCode.InternalServerError, ProblemCodes.Failed);
        database.Fault = new Fault { IsRefusing = true };
        database.Cut();
        await RefusesAsync(viewer, HttpMethod.Get, $"v1/stories/{Guid.NewGuid()}", HttpStatusCode.ServiceUnavailable, ProblemCodes.Unavailable);
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains("   at ", StringComparison.Ordinal));
    }

    private static async Task RefusesAsync(HttpClient http, HttpMethod method, string path, HttpStatusCode status, string code, string? body = null, string bodyType = "application/json")
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, new MediaTypeHeaderValue(bodyType)) };
        using var answer = await http.SendAsync(request, Cancel);
        Assert.Equal((status, Problems.ContentType), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.Equal((code, (int)status), (problem.GetProperty("code").GetString(), problem.GetProperty("status").GetInt32()));
        Assert.False(problem.TryGetProperty("traceId", out _));
    }
}
