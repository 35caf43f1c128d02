using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Stories.Tests.Fixtures;

/// <summary>
/// A port on 127.0.0.1 for a server that starts a moment later. Below the range from which Linux takes ports for outgoing
/// connections (32768 and up), because one of those could take it in between; and never the same port twice in a run.
/// </summary>
public static class FreePort
{
    private const int First = 20_000;
    private const int End = 32_000;
    private static readonly ConcurrentDictionary<int, bool> Given = new();

    public static int Next()
    {
        for (var left = End - First; left > 0; left--)
        {
            var port = RandomNumberGenerator.GetInt32(First, End);
            if (!Given.ContainsKey(port) && IsFree(port) && Given.TryAdd(port, true)) return port;
        }
        throw new InvalidOperationException($"No free port between {First} and {End}.");
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
