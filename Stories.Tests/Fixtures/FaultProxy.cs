using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Stories.Tests.Fixtures;

/// <summary>
/// Stands before a server of this machine and does to it what networks, and servers under load, do: PostgreSQL and Azurite
/// cannot be made to do it themselves. What it is told holds at once, for connections that are open too.
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<Connection, Task> connections = [];
    private readonly ConcurrentQueue<string> requests = [];
    private readonly int server;
    private readonly bool isHttp;
    private readonly Task accepting;
    private volatile Fault fault = Fault.None;
    private ImmutableList<HttpRule> rules = [];
    private long swallowed;

    private FaultProxy(int server, bool isHttp)
    {
        (this.server, this.isHttp) = (server, isHttp);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = AcceptAsync();
    }

    public int Port { get; }

    public Fault Fault
    {
        get => fault;
        set => fault = value;
    }

    /// <summary>The first line of every request that has come, whatever was done with it; by HTTP only.</summary>
    public IReadOnlyList<string> Requests => [.. requests];

    /// <summary>Bytes that a black hole or a silence has taken so far.</summary>
    public long Swallowed => Interlocked.Read(ref swallowed);

    public static FaultProxy Before(int server) => new(server, isHttp: false);

    /// <summary>Reads requests, one for each connection, so that it can tell them apart.</summary>
    public static FaultProxy BeforeHttp(int server) => new(server, isHttp: true);

    /// <returns>A connection string, of PostgreSQL or storage, that leads through here.</returns>
    public string Through(string connection) => connection
        .Replace($"Port={server};", $"Port={Port};", StringComparison.Ordinal)
        .Replace($":{server}/", $":{Port}/", StringComparison.Ordinal);

    /// <summary>The youngest rule that matches decides.</summary>
    /// <param name="matches">Looks at the request's first line, for instance <c>DELETE /stories/name?restype=container HTTP/1.1</c>.</param>
    public HttpRule When(Func<string, bool> matches, HttpFault then, int times = int.MaxValue)
    {
        var rule = new HttpRule(matches, then, times);
        ImmutableInterlocked.Update(ref rules, all => all.Insert(0, rule));
        return rule;
    }

    public void Forget(HttpRule rule) => ImmutableInterlocked.Update(ref rules, all => all.Remove(rule));

    /// <summary>Resets all that is open; what comes then is served.</summary>
    public void Cut()
    {
        foreach (var connection in connections.Keys) connection.Reset();
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        Cut();
        await Task.WhenAll(connections.Values);
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var connection = new Connection(await listener.AcceptSocketAsync(stopping.Token));
                connections[connection] = ServeAsync(connection);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Connection connection)
    {
        await Task.Yield();
        try
        {
            if (isHttp) await ServeHttpAsync(connection);
            else await ForwardAsync(connection, []);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Either side has gone, or this proxy has: that is what the other side is to see.
            connection.Reset();
        }
        finally
        {
            connection.Dispose();
            connections.TryRemove(connection, out _);
        }
    }

    private async Task ServeHttpAsync(Connection connection)
    {
        if (await ReadHeadAsync(connection.Caller) is not { } head) return;
        requests.Enqueue(head.Line);
        var act = rules.FirstOrDefault(rule => rule.Takes(head.Line))?.Then;
        switch (act)
        {
            case null:
                await ForwardAsync(connection, head.Bytes);
                break;
            case HttpFault.Answer answer:
                await connection.Caller.SendAsync(answer.Write(head.Line), stopping.Token);
                connection.Caller.Shutdown(SocketShutdown.Send);
                // What the caller still sends is taken: closed over unread bytes, the connection would be reset and the answer lost.
                await SwallowAsync(connection.Caller);
                break;
            case HttpFault.LoseAnswer:
                await AskAsync(connection, head.Bytes);
                connection.Reset();
                break;
            case HttpFault.HoldAnswer hold:
                var answered = await AskAsync(connection, head.Bytes);
                await hold.Until(stopping.Token);
                await connection.Caller.SendAsync(answered, stopping.Token);
                connection.Caller.Shutdown(SocketShutdown.Send);
                break;
            case HttpFault.Silence:
                await SwallowAsync(connection.Caller);
                break;
        }
    }

    /// <returns>The whole answer. The server ends it by closing, because it was told that nothing more will come.</returns>
    private async Task<byte[]> AskAsync(Connection connection, byte[] head)
    {
        var target = await connection.ConnectAsync(server, stopping.Token);
        await target.SendAsync(head, stopping.Token);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        var asking = PumpAsync(connection, connection.Caller, target, isAnswer: false, ended.Token);
        using var answer = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await target.ReceiveAsync(buffer, stopping.Token) is > 0 and var read) answer.Write(buffer, 0, read);
        await ended.CancelAsync();
        await Task.WhenAny(asking);
        return answer.ToArray();
    }

    private async Task ForwardAsync(Connection connection, byte[] begin)
    {
        if (fault.IsRefusing)
        {
            connection.Reset();
            return;
        }
        var target = await connection.ConnectAsync(server, stopping.Token);
        if (begin.Length > 0 && !fault.IsBlackHole) await target.SendAsync(begin, stopping.Token);
        await Task.WhenAll(
            PumpAsync(connection, connection.Caller, target, isAnswer: false, stopping.Token),
            PumpAsync(connection, target, connection.Caller, isAnswer: true, stopping.Token));
    }

    /// <summary>A side that breaks takes the other with it.</summary>
    private async Task PumpAsync(Connection connection, Socket from, Socket to, bool isAnswer, CancellationToken cancellationToken)
    {
        try
        {
            await PassOnAsync(connection, from, to, isAnswer, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            connection.Reset();
            throw;
        }
    }

    private async Task PassOnAsync(Connection connection, Socket from, Socket to, bool isAnswer, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        var isSilenced = false;
        while (await from.ReceiveAsync(buffer, cancellationToken) is > 0 and var read)
        {
            var now = fault;
            if (now.IsBlackHole || isSilenced)
            {
                Interlocked.Add(ref swallowed, read);
                continue;
            }
            if (now.Latency > TimeSpan.Zero) await Task.Delay(now.Latency, TimeProvider.System, cancellationToken);
            var let = isAnswer ? now.Let(read) : read;
            if (let > 0) await to.SendAsync(buffer.AsMemory(0, let), cancellationToken);
            if (let == read) continue;
            switch (now.Ending)
            {
                case Ending.Reset:
                    connection.Reset();
                    return;
                case Ending.HalfClose:
                    to.Shutdown(SocketShutdown.Send);
                    break;
                case Ending.Silence:
                    break;
            }
            isSilenced = true;
            Interlocked.Add(ref swallowed, read - let);
        }
        if (!isSilenced && !fault.IsBlackHole) to.Shutdown(SocketShutdown.Send);
    }

    private async Task SwallowAsync(Socket from)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReceiveAsync(buffer, stopping.Token) > 0) { }
    }

    /// <returns>The first line, and all bytes that came with the head, which now asks for the connection to be closed after it. No signature covers that.</returns>
    private async Task<(string Line, byte[] Bytes)?> ReadHeadAsync(Socket caller)
    {
        var (buffer, length) = (new byte[64 * 1024], 0);
        int end;
        while ((end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0)
        {
            var read = await caller.ReceiveAsync(buffer.AsMemory(length), stopping.Token);
            if (read == 0) return null;
            length += read;
        }
        var lines = Encoding.ASCII.GetString(buffer, 0, end).Split("\r\n").Where(line => !line.StartsWith("Connection:", StringComparison.OrdinalIgnoreCase)).ToList();
        var head = Encoding.ASCII.GetBytes(string.Join("\r\n", [.. lines, "Connection: close", "", ""]));
        return (lines[0], [.. head, .. buffer.AsSpan(end + 4, length - end - 4)]);
    }

    private sealed class Connection(Socket caller) : IDisposable
    {
        private Socket? target;

        public Socket Caller => caller;

        public async Task<Socket> ConnectAsync(int port, CancellationToken cancellationToken)
        {
            target = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            caller.NoDelay = true;
            await target.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return target;
        }

        /// <summary>Without lingering, closing says RST.</summary>
        public void Reset()
        {
            caller.Close(0);
            target?.Close(0);
        }

        public void Dispose()
        {
            caller.Dispose();
            target?.Dispose();
        }
    }
}

/// <summary>How an answer ends when its bytes have run out.</summary>
public enum Ending
{
    Reset,

    /// <summary>The caller reads an end, and can still send.</summary>
    HalfClose,

    /// <summary>The connection stays, and nothing more comes.</summary>
    Silence,
}

/// <summary>What is done to bytes.</summary>
public sealed class Fault
{
    private long left = long.MaxValue;

    public static Fault None { get; } = new();

    /// <summary>Each piece, there and back, comes so much later.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Connections are taken, and nothing is ever passed on.</summary>
    public bool IsBlackHole { get; init; }

    /// <summary>New connections are reset.</summary>
    public bool IsRefusing { get; init; }

    /// <summary>So many bytes of answers still come, over all connections; the connection on which they run out ends, and all that ask later.</summary>
    public long AnswerBytes
    {
        get => Interlocked.Read(ref left);
        init => left = value;
    }

    public Ending Ending { get; init; }

    /// <returns>How many of so many bytes may pass.</returns>
    internal int Let(int read)
    {
        if (AnswerBytes == long.MaxValue) return read;
        var before = Interlocked.Add(ref left, -read) + read;
        return (int)Math.Clamp(before, 0, read);
    }
}

/// <summary>What is done to a request.</summary>
public abstract record HttpFault
{
    /// <summary>The server does it, and the caller never learns of it.</summary>
    public sealed record LoseAnswer : HttpFault;

    /// <summary>The server does it at once, and the caller learns of it later.</summary>
    public sealed record HoldAnswer(Func<CancellationToken, Task> Until) : HttpFault;

    /// <summary>The server never hears of it, and the caller hears nothing.</summary>
    public sealed record Silence : HttpFault;

    /// <summary>The server never hears of it, and this is answered in its place.</summary>
    /// <param name="Body">May depend on the request's first line.</param>
    public sealed record Answer(int Status, Func<string, string> Body, params (string Name, string Value)[] Headers) : HttpFault
    {
        internal byte[] Write(string line)
        {
            var body = Body(line);
            var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {Status} {(HttpStatusCode)Status}\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n");
            foreach (var (name, value) in Headers) head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
            // An answer to HEAD says how long its body would be.
            return Encoding.UTF8.GetBytes(head.Append("\r\n").Append(line.StartsWith("HEAD ", StringComparison.Ordinal) ? "" : body).ToString());
        }
    }

    /// <summary>As storage refuses: the code in a header and in the body.</summary>
    public static HttpFault Refusal(int status, string code) =>
        new Answer(status, _ => $"<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>Refused by a test.</Message></Error>", ("x-ms-error-code", code));
}

/// <summary>For requests of one kind; counts them.</summary>
public sealed class HttpRule
{
    private readonly Func<string, bool> matches;
    private readonly TaskCompletionSource met = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock taking = new();
    private int left;

    internal HttpRule(Func<string, bool> matches, HttpFault then, int times) => (this.matches, Then, left) = (matches, then, times);

    public HttpFault Then { get; }
    public int Count { get; private set; }

    /// <summary>Comes when the first such request has.</summary>
    public Task Met => met.Task;

    internal bool Takes(string line)
    {
        // One at a time: what decides may throw dice, which are no good to two at once.
        lock (taking)
        {
            if (left == 0 || !matches(line)) return false;
            left--;
            Count++;
        }
        met.TrySetResult();
        return true;
    }
}
