using System.Net;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>Real hosts on a machine whose clock is wrong, or is set while they run: libfaketime stands between them and the kernel.</summary>
public sealed class WrongClockTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Api", "+600")]
    [InlineData("Api", "-600")]
    [InlineData("Worker", "+600")]
    [InlineData("Worker", "-600")]
    public async Task A_host_whose_clock_is_ten_minutes_off_refuses_to_start_and_says_why(string project, string seconds)
    {
        await using var service = await Service.StartAsync(servers);
        using var clock = new MachineClock(seconds);

        await using var host = service.StartProcess(project, clock.Environment);

        Assert.Equal(1, await host.WaitForEndAsync(Cancel));
        Assert.Matches(@"This machine's clock is (599|600)\.\d s off the database's\. Set it right", host.Output);
    }

    [Theory]
    [InlineData("+600")]
    [InlineData("-600")]
    public async Task A_clock_that_is_set_while_hosts_run_ends_nothing_earlier_and_nothing_later(string seconds)
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var ending = await alice.PostAsync([], lifetime: TimeSpan.FromMinutes(2), caption: "ends", cancellationToken: Cancel);
        var staying = await alice.PostAsync([], lifetime: TimeSpan.FromMinutes(5), caption: "stays", cancellationToken: Cancel);
        using var clock = new MachineClock("+0");
        await using var api = service.StartProcess("Api", clock.Environment);
        await using var worker = service.StartProcess("Worker", clock.Environment);
        await Task.WhenAll(api.WaitUntilReadyAsync(Cancel), worker.WaitUntilReadyAsync(Cancel));

        clock.Set(seconds);
        await Task.WhenAll(UntilNoticedAsync(api), UntilNoticedAsync(worker));
        // Ten minutes forward both would have ended long ago, ten back neither would have.
        using var http = service.Http("alice");
        http.BaseAddress = api.Address;
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, ending.Story));
        // Half the way to the database is what a host's clock may be wrong by; on a busy machine that can be seen.
        await service.EndBucketsAsync(Cancel, at: -DatabaseClock.MaxDrift, only: ending.Ticket!.Bucket);

        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(http, ending.Story));
        await service.UntilAsync(async db => await db.Buckets.CountAsync(b => b.State == BucketState.Erased, Cancel) == 1);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, staying.Story));
        Assert.Equal(staying.Story, await service.ReadAsync(db => db.Stories.Select(s => s.Id).SingleAsync(Cancel)));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, Guid story)
    {
        using var answer = await http.GetAsync($"v1/stories/{story}", Cancel);
        return answer.StatusCode;
    }

    /// <summary>It reads the database's clock when its own has jumped, and says so; before that, what is seen would prove nothing.</summary>
    private static async Task UntilNoticedAsync(ChildProcess host)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (!host.Output.Contains("This machine's clock is off the database's", StringComparison.Ordinal))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begin) < TimeSpan.FromSeconds(60), $"It was not noticed:\n{host.Output}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancel);
        }
    }

    /// <summary>The clock of a machine, for the processes that are started with it; the counter since start goes on as it was.</summary>
    private sealed class MachineClock : IDisposable
    {
        private readonly string file = Path.GetTempFileName();

        public MachineClock(string seconds) => Set(seconds);

        public (string, string)[] Environment =>
        [
            ("LD_PRELOAD", Directory.EnumerateFiles("/usr/lib", "libfaketimeMT.so.1", SearchOption.AllDirectories).First()),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            // It leaves what it shares with children behind when it is killed.
            ("FAKETIME_DISABLE_SHM", "1"),
        ];

        public void Set(string seconds)
        {
            File.WriteAllText($"{file}.new", seconds);
            File.Move($"{file}.new", file, overwrite: true);
        }

        public void Dispose() => File.Delete(file);
    }
}
