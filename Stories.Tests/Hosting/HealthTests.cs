using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Stories.Api.Hosting;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

/// <summary>What probes are told by an Api, also when it can do nothing else.</summary>
public sealed class HealthTests(LocalServers servers)
{
    /// <summary>After this the registered apps have to be read again.</summary>
    private static readonly TimeSpan Stale = TimeSpan.FromSeconds(6);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_its_database_an_Api_lives_and_names_the_database_and_its_log_tells_no_address()
    {
        await using var database = FaultProxy.Before(servers.PostgresPort);
        await using var service = await Service.StartAsync(servers, withWorker: false, toDatabase: database);
        using var http = service.Http("alice");
        service.Clock.Advance(Stale);
        database.Fault = new Fault { IsRefusing = true };
        database.Cut();

        using var live = await http.GetAsync("health/live", Cancel);
        using var ready = await http.GetAsync("health/ready", Cancel);
        using var other = await http.GetAsync("v1/tray", Cancel);

        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        var red = Assert.Single((await ready.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("checks").EnumerateArray(), check => check.GetProperty("status").GetString() == "unhealthy");
        Assert.Equal("database", red.GetProperty("name").GetString());
        Assert.Equal((HttpStatusCode.ServiceUnavailable, ProblemCodes.Unavailable), (other.StatusCode, await Tus.CodeAsync(other)));
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains($"127.0.0.1:{database.Port}", StringComparison.Ordinal) || line.Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Probes_use_up_no_requests_of_their_address()
    {
        await using var strict = await Service.StartAsync(servers, new() { ["RateLimits:PerSecond"] = "5", ["RateLimits:Burst"] = "10" }, withWorker: false);
        using var http = new HttpClient { BaseAddress = strict.Address };
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => http.GetAsync("health/live", Cancel))), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        using var anonymous = await http.GetAsync("v1/tray", Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);
    }

    [Fact]
    public async Task Callers_wait_together_for_a_database_that_does_not_answer()
    {
        await using var database = FaultProxy.Before(servers.PostgresPort);
        await using var service = await Service.StartAsync(servers, withWorker: false, toDatabase: database);
        var apps = service.Api.GetRequiredService<AppRegistry>();
        service.Clock.Advance(Stale);
        database.Fault = new Fault { IsBlackHole = true };

        var waiting = Enumerable.Range(0, 5).Select(_ => apps.RefreshAsync(Cancel).AsTask()).ToList();
        await service.UntilAsync(_ => Task.FromResult(database.Swallowed > 0));
        database.Fault = new Fault { IsRefusing = true };
        database.Cut();

        var troubles = await Task.WhenAll(waiting.Select(caller => Record.ExceptionAsync(() => caller).AsTask()));
        Assert.NotNull(Assert.Single(troubles.Distinct()));
        database.Fault = Fault.None;
        await apps.RefreshAsync(Cancel);
        Assert.True(apps.IsFresh);
    }
}
