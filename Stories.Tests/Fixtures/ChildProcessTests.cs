using System.Net;

namespace Stories.Tests.Fixtures;

public sealed class ChildProcessTests(LocalServers servers)
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    [Fact]
    public async Task A_host_becomes_ready_stands_still_goes_on_and_dies()
    {
        await using var api = ChildProcess.StartHost("Api", await EnvironmentAsync());
        await api.WaitUntilReadyAsync(TestContext.Current.CancellationToken);

        api.Pause();
        await Assert.ThrowsAsync<TaskCanceledException>(() => StatusAsync(api));
        api.Resume();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api));

        await api.KillAsync(TestContext.Current.CancellationToken);
        await api.AssertNoDescendantsAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<HttpRequestException>(() => StatusAsync(api));
    }

    [Fact]
    public async Task A_host_that_is_asked_to_end_ends_well()
    {
        await using var api = ChildProcess.StartHost("Api", await EnvironmentAsync());
        await api.WaitUntilReadyAsync(TestContext.Current.CancellationToken);

        Assert.Equal(0, await api.StopAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_a_host_says_before_it_refuses_to_start_is_kept()
    {
        var environment = await EnvironmentAsync();
        environment["ConnectionStrings__Stories"] = await servers.CreateDatabaseAsync();
        await using var api = ChildProcess.StartHost("Api", environment);

        Assert.Equal(1, await api.WaitForEndAsync(TestContext.Current.CancellationToken));
        Assert.Contains("./stories migrate", api.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_runs_to_its_end()
    {
        var (code, output) = await ChildProcess.RunAsync("Api", await EnvironmentAsync(), TestContext.Current.CancellationToken, "app", "list");

        Assert.Equal((0, ""), (code, output));
    }

    [Fact]
    public async Task Descendants_are_seen_and_missed_when_they_stay()
    {
        // A process of ours with a child of its own that ignores what happens to its parent.
        using var shell = System.Diagnostics.Process.Start("/bin/sh", ["-c", "sleep 300 & echo; wait"]);
        LiveProcess child;
        while (!TryFirst(ProcessTree.DescendantsOf(shell.Id), out child))
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);

        shell.Kill();
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(child.IsAlive);

        using (var left = System.Diagnostics.Process.GetProcessById(child.Id))
        {
            left.Kill();
            await left.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
        Assert.False(child.IsAlive);
    }

    private static bool TryFirst(IReadOnlyList<LiveProcess> processes, out LiveProcess first)
    {
        first = processes.FirstOrDefault(process => process.Name == "sleep");
        return first.Id != 0;
    }

    private static async Task<HttpStatusCode> StatusAsync(ChildProcess host)
    {
        using var answer = await Http.GetAsync(new Uri(host.Address, "/health/live"), TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    private async Task<Dictionary<string, string>> EnvironmentAsync()
    {
        var (database, deployment) = await servers.CreateStoreAsync();
        return new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ConnectionStrings__Stories"] = database,
            ["Blobs__ConnectionString"] = servers.BlobConnectionString,
            ["Blobs__Deployment"] = deployment,
        };
    }
}
