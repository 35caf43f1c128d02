using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Stories.Tests.Fixtures;

/// <summary>A test that relies on a fault relies on these.</summary>
public sealed class FaultProxyTests
{
    private static readonly byte[] Hello = "hello"u8.ToArray();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bytes_pass_unchanged_while_there_is_no_fault()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Before(echo.Port);
        using var caller = await ConnectAsync(proxy);

        await caller.SendAsync(Hello, Cancel);
        caller.Shutdown(SocketShutdown.Send);

        Assert.Equal("hello", await ReadToEndAsync(caller));
    }

    [Fact]
    public async Task Latency_is_there_both_ways()
    {
        var latency = TimeSpan.FromMilliseconds(50);
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Before(echo.Port);
        proxy.Fault = new Fault { Latency = latency };
        using var caller = await ConnectAsync(proxy);

        var begin = TimeProvider.System.GetTimestamp();
        await caller.SendAsync(Hello, Cancel);
        Assert.Equal("hello", await ReadAsync(caller, 5));

        Assert.True(TimeProvider.System.GetElapsedTime(begin) >= 2 * latency);
    }

    [Fact]
    public async Task A_cut_resets_what_is_open_and_serves_what_comes()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Before(echo.Port);
        using var caller = await ConnectAsync(proxy);
        await caller.SendAsync(Hello, Cancel);
        Assert.Equal("hello", await ReadAsync(caller, 5));

        proxy.Cut();

        Assert.Equal(SocketError.ConnectionReset, (await Assert.ThrowsAsync<SocketException>(() => ReadAsync(caller, 1))).SocketErrorCode);
        using var next = await ConnectAsync(proxy);
        await next.SendAsync(Hello, Cancel);
        Assert.Equal("hello", await ReadAsync(next, 5));
    }

    [Fact]
    public async Task Who_is_refused_is_reset_and_the_server_hears_nothing()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Before(echo.Port);
        proxy.Fault = new Fault { IsRefusing = true };

        // The reset may come before the connection is known to be there.
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var caller = await ConnectAsync(proxy);
            await ReadAsync(caller, 1);
        });

        Assert.Equal(0, echo.Received);
    }

    [Fact]
    public async Task A_black_hole_takes_everything_and_gives_nothing()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Before(echo.Port);
        using var caller = await ConnectAsync(proxy);
        proxy.Fault = new Fault { IsBlackHole = true };

        await caller.SendAsync(Hello, Cancel);
        await UntilAsync(() => proxy.Swallowed == 5);
        proxy.Fault = Fault.None;
        await caller.SendAsync("again"u8.ToArray(), Cancel);

        Assert.Equal("again", await ReadAsync(caller, 5));
        Assert.Equal(5, echo.Received);
    }

    [Fact]
    public async Task When_its_bytes_have_run_out_an_answer_ends_by_a_reset()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Before(echo.Port);
        proxy.Fault = new Fault { AnswerBytes = 3 };
        using var caller = await ConnectAsync(proxy);

        await caller.SendAsync(Hello, Cancel);

        await Assert.ThrowsAsync<SocketException>(() => ReadAsync(caller, 4));
        using var next = await ConnectAsync(proxy);
        await next.SendAsync(Hello, Cancel);
        await Assert.ThrowsAsync<SocketException>(() => ReadAsync(next, 1));
    }

    [Fact]
    public async Task After_a_half_close_the_caller_reads_an_end_and_can_still_send()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Before(echo.Port);
        proxy.Fault = new Fault { AnswerBytes = 3, Ending = Ending.HalfClose };
        using var caller = await ConnectAsync(proxy);

        await caller.SendAsync(Hello, Cancel);

        Assert.Equal("hel", await ReadToEndAsync(caller));
        await caller.SendAsync("more"u8.ToArray(), Cancel);
        await UntilAsync(() => echo.Received == 9);
    }

    [Fact]
    public async Task A_silenced_answer_stops_in_the_middle_and_the_connection_stays()
    {
        await using var echo = new Echo();
        await using var proxy = FaultProxy.Before(echo.Port);
        proxy.Fault = new Fault { AnswerBytes = 3, Ending = Ending.Silence };
        using var caller = await ConnectAsync(proxy);

        await caller.SendAsync(Hello, Cancel);
        Assert.Equal("hel", await ReadAsync(caller, 3));
        await caller.SendAsync("more"u8.ToArray(), Cancel);
        await UntilAsync(() => echo.Received == 9 && proxy.Swallowed == 6);

        Assert.Equal(0, caller.Available);
        proxy.Cut();
        await Assert.ThrowsAsync<SocketException>(() => ReadAsync(caller, 1));
    }

    [Fact]
    public async Task A_request_is_answered_in_the_server_s_place_as_often_as_the_rule_says()
    {
        await using var server = new HttpEcho();
        await using var proxy = FaultProxy.BeforeHttp(server.Port);
        using var http = Http(proxy);
        var rule = proxy.When(line => line.StartsWith("PUT /a ", StringComparison.Ordinal), HttpFault.Refusal(503, "ServerBusy"), times: 1);

        using var refused = await http.PutAsync("a", new ByteArrayContent(new byte[300_000]), Cancel);
        using var other = await http.PutAsync("b", new ByteArrayContent(new byte[300_000]), Cancel);
        using var again = await http.PutAsync("a", new ByteArrayContent(Hello), Cancel);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "ServerBusy"), (refused.StatusCode, refused.Headers.GetValues("x-ms-error-code").Single()));
        Assert.Contains("<Code>ServerBusy</Code>", await refused.Content.ReadAsStringAsync(Cancel));
        Assert.Equal(["PUT /b 300000", "PUT /a 5"], [await other.Content.ReadAsStringAsync(Cancel), await again.Content.ReadAsStringAsync(Cancel)]);
        Assert.Equal((1, 2, 3), (rule.Count, server.Done, proxy.Requests.Count));
    }

    [Fact]
    public async Task A_lost_answer_leaves_the_deed_done()
    {
        await using var server = new HttpEcho();
        await using var proxy = FaultProxy.BeforeHttp(server.Port);
        using var http = Http(proxy);
        proxy.When(_ => true, new HttpFault.LoseAnswer(), times: 1);

        await Assert.ThrowsAsync<HttpRequestException>(() => http.DeleteAsync("a", Cancel));

        Assert.Equal(1, server.Done);
        Assert.Equal("DELETE /a 0", await (await http.DeleteAsync("a", Cancel)).Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task A_held_answer_comes_when_it_is_let_go_and_the_deed_is_done_before()
    {
        await using var server = new HttpEcho();
        await using var proxy = FaultProxy.BeforeHttp(server.Port);
        using var http = Http(proxy);
        var gate = new TaskCompletionSource();
        proxy.When(_ => true, new HttpFault.HoldAnswer(token => gate.Task.WaitAsync(token)), times: 1);

        var asking = http.DeleteAsync("a", Cancel);
        await UntilAsync(() => server.Done == 1);
        Assert.Equal("DELETE /b 0", await (await http.DeleteAsync("b", Cancel)).Content.ReadAsStringAsync(Cancel));
        Assert.False(asking.IsCompleted);
        gate.SetResult();

        Assert.Equal("DELETE /a 0", await (await asking).Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task A_silenced_request_is_never_done()
    {
        await using var server = new HttpEcho();
        await using var proxy = FaultProxy.BeforeHttp(server.Port);
        using var http = Http(proxy);
        var rule = proxy.When(line => line.StartsWith("DELETE /a ", StringComparison.Ordinal), new HttpFault.Silence());

        var asking = http.DeleteAsync("a", Cancel);
        await rule.Met;
        proxy.Cut();

        await Assert.ThrowsAsync<HttpRequestException>(() => asking);
        Assert.Equal(0, server.Done);
        proxy.Forget(rule);
        Assert.True((await http.DeleteAsync("a", Cancel)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task Connection_strings_of_both_servers_are_led_through()
    {
        await using var proxy = FaultProxy.Before(23456);

        Assert.Equal($"Host=127.0.0.1;Port={proxy.Port};Database=a", proxy.Through("Host=127.0.0.1;Port=23456;Database=a"));
        Assert.Equal($"AccountKey=23456==;BlobEndpoint=http://127.0.0.1:{proxy.Port}/stories", proxy.Through("AccountKey=23456==;BlobEndpoint=http://127.0.0.1:23456/stories"));
    }

    private static HttpClient Http(FaultProxy proxy) => new() { BaseAddress = new Uri($"http://127.0.0.1:{proxy.Port}") };

    private static async Task<Socket> ConnectAsync(FaultProxy proxy)
    {
        var caller = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await caller.ConnectAsync(IPAddress.Loopback, proxy.Port, Cancel);
        return caller;
    }

    private static async Task<string> ReadAsync(Socket from, int length)
    {
        var buffer = new byte[length];
        for (var read = 0; read < length;)
        {
            var more = await from.ReceiveAsync(buffer.AsMemory(read), Cancel);
            if (more == 0) return Encoding.ASCII.GetString(buffer, 0, read);
            read += more;
        }
        return Encoding.ASCII.GetString(buffer);
    }

    private static Task<string> ReadToEndAsync(Socket from) => ReadAsync(from, 1000);

    /// <summary>The other side of a connection has no event for us.</summary>
    private static async Task UntilAsync(Func<bool> isSo)
    {
        while (!isSo()) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Cancel);
    }

    /// <summary>Sends back what it gets.</summary>
    private sealed class Echo : IAsyncDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly Task serving;
        private long received;

        public Echo()
        {
            listener.Start();
            serving = ServeAsync();
        }

        public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;
        public long Received => Interlocked.Read(ref received);

        public async ValueTask DisposeAsync()
        {
            listener.Stop();
            await Assert.ThrowsAnyAsync<Exception>(() => serving);
        }

        private async Task ServeAsync()
        {
            while (true) _ = AnswerAsync(await listener.AcceptSocketAsync(Cancel));
        }

        private async Task AnswerAsync(Socket caller)
        {
            using var _ = caller;
            var buffer = new byte[1000];
            while (await caller.ReceiveAsync(buffer, Cancel) is > 0 and var read)
            {
                Interlocked.Add(ref received, read);
                await caller.SendAsync(buffer.AsMemory(0, read), Cancel);
            }
        }
    }

    /// <summary>Answers with what was asked, and how long its body was.</summary>
    private sealed class HttpEcho : IAsyncDisposable
    {
        private readonly HttpListener listener = new();
        private readonly Task serving;
        private int done;

        public HttpEcho()
        {
            Port = FreePort.Next();
            listener.Prefixes.Add($"http://127.0.0.1:{Port}/");
            listener.Start();
            serving = ServeAsync();
        }

        public int Port { get; }
        public int Done => Volatile.Read(ref done);

        public async ValueTask DisposeAsync()
        {
            listener.Stop();
            await Assert.ThrowsAnyAsync<Exception>(() => serving);
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                var context = await listener.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body, Cancel);
                Interlocked.Increment(ref done);
                var answer = Encoding.ASCII.GetBytes($"{context.Request.HttpMethod} {context.Request.RawUrl} {body.Length}");
                context.Response.ContentLength64 = answer.Length;
                await context.Response.OutputStream.WriteAsync(answer, Cancel);
                context.Response.Close();
            }
        }
    }
}
