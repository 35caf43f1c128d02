using System.Net;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

public sealed class UnexpectedTroubleTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_the_database_is_away_callers_are_told_to_come_again_and_the_log_tells_no_address()
    {
        await using var database = FaultProxy.Before(servers.PostgresPort);
        await using var service = await Service.StartAsync(servers, toDatabase: database);
        using var http = service.Http("alice");
        using (var before = await http.GetAsync("v1/tray", Cancel)) Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        // Connections that wait in the pool are dead, which shows when they are used.
        database.Cut();
        using (var stale = await http.GetAsync("v1/tray", Cancel)) Assert.Contains(stale.StatusCode, new[] { HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable });
        database.Fault = new Fault { IsRefusing = true };
        database.Cut();
        using var away = await http.GetAsync("v1/tray", Cancel);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, ProblemCodes.Unavailable), (away.StatusCode, await Tus.CodeAsync(away)));
        using var story = await http.GetAsync($"v1/stories/{Guid.NewGuid()}", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, story.StatusCode);

        database.Fault = Fault.None;
        using (var after = await http.GetAsync("v1/tray", Cancel)) Assert.Equal(HttpStatusCode.OK, after.StatusCode);
        Assert.Contains(service.Log.Lines, line => line.Contains("GET /v1/tray: NpgsqlException", StringComparison.Ordinal));
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains("127.0.0.1:" + database.Port, StringComparison.Ordinal) || line.Contains("   at Npgsql", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_mistake_of_ours_is_answered_by_its_code_and_logged_without_its_message()
    {
        await using var service = await Service.StartAsync(servers);
        // A table that is not there: no caller can bring that about, and the message would name it.
        await service.ReadAsync(db => Microsoft.EntityFrameworkCore.RelationalDatabaseFacadeExtensions.ExecuteSqlRawAsync(db.Database, "drop table seen cascade", Cancel));
        using var http = service.Http("alice");

        using var answer = await http.GetAsync("v1/tray", Cancel);

        Assert.Equal((HttpStatusCode.InternalServerError, ProblemCodes.Failed), (answer.StatusCode, await Tus.CodeAsync(answer)));
        Assert.Contains(service.Log.Lines, line => line.StartsWith("Error: GET /v1/tray: PostgresException 42P01.", StringComparison.Ordinal));
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains("\"seen\"", StringComparison.Ordinal) || line.Contains("relation", StringComparison.Ordinal));
    }
}
