using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>A media machine with bait around it, and eyes on what a file did there.</summary>
public sealed class HostilePlace : IAsyncLifetime
{
    private const string Neighbour = "neighbour";
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);
    private readonly TcpListener tcp = new(IPAddress.Loopback, 0);
    private readonly UdpClient udp = new(new IPEndPoint(IPAddress.Loopback, 0));
    private MediaRig rig = null!;
    private string file = "";

    internal Bait Bait => new(file, Neighbour, ((IPEndPoint)tcp.LocalEndpoint).Port, ((IPEndPoint)udp.Client.LocalEndPoint!).Port);

    public async ValueTask InitializeAsync()
    {
        rig = await MediaRig.StartAsync(TestContext.Current.CancellationToken, options => options.WallClock = TimeSpan.FromSeconds(15));
        tcp.Start();
        file = await Tools.WriteAsync(Content());
    }

    public async ValueTask DisposeAsync()
    {
        tcp.Dispose();
        udp.Dispose();
        await rig.DisposeAsync();
    }

    /// <summary>
    /// Renders it as the worker would, beside another upload in scratch. Whatever becomes of it, it is done in time, nothing was
    /// opened or sent, and nothing is left: neither a file nor a process.
    /// </summary>
    /// <returns>The code with which it was refused, or that it is live.</returns>
    internal async Task<string> EndOfAsync(byte[] content, Lane lane, string about, CancellationToken cancellationToken)
    {
        var begin = TimeProvider.System.GetTimestamp();
        var length = TimeSpan.Zero;
        var end = HostileCorpus.Live;
        try
        {
            await using var scratch = rig.ScratchRoom.Open();
            await File.WriteAllBytesAsync(scratch.File("upload-0"), content, cancellationToken);
            await File.WriteAllBytesAsync(scratch.File(Neighbour), Content(), cancellationToken);
            var media = await rig.Renderer.PrepareAsync(scratch, "upload-0", lane, new RenderWishes(), cancellationToken);
            length = media.Video?.Facts.Duration ?? TimeSpan.Zero;
            await foreach (var set in rig.Renderer.RenderAsync(media, scratch, made: 0, _ => { }, cancellationToken))
                foreach (var rendition in set.Files)
                    Assert.True((await File.ReadAllBytesAsync(rendition.Path, cancellationToken)).AsSpan().IndexOf("CANARY"u8) < 0, $"{about}: words of a file are in {rendition.Name}");
        }
        catch (MediaRefusedException refused)
        {
            end = refused.Code;
        }
        catch (Exception e) when (e is not OperationCanceledException && !e.GetType().Namespace!.StartsWith("Xunit", StringComparison.Ordinal))
        {
            Assert.Fail($"{about}: neither live nor refused, but {e}");
        }
        Assert.True(end == HostileCorpus.Live || MediaCodes.All.Contains(end), $"{about}: {end} is no code of ours");
        // A probe, then a source and its sizes one after the other.
        var limit = 3 * rig.Options.WallClock + 8 * length + Grace;
        Assert.True(TimeProvider.System.GetElapsedTime(begin) < limit, $"{about}: took longer than {limit}");
        Assert.True(rig.ScratchRoom.IsEmpty, $"{about}: left something in scratch");
        Assert.False(WasReached(), $"{about}: connected to us");
        Assert.True(udp.Available == 0, $"{about}: sent us a packet");
        await AssertNoDecoderAsync(about, cancellationToken);
        return end;
    }

    /// <summary>Whether somebody came to the listening port since this was last asked.</summary>
    internal bool WasReached()
    {
        if (!tcp.Pending()) return false;
        tcp.AcceptSocket().Dispose();
        return true;
    }

    private static byte[] Content() => Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(Bait.Canary, 1000)));

    private async Task AssertNoDecoderAsync(string about, CancellationToken cancellationToken)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var left = Decoders().ToList();
            if (left.Count == 0) return;
            Assert.True(TimeProvider.System.GetElapsedTime(begin) < Grace, $"{about}: {string.Join(", ", left)} still run");
            await Task.Delay(Glance, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Launchers of this machine, by their folder, and what they started, by the scratch folder that it sees; not the children that wait for photos.</summary>
    private IEnumerable<string> Decoders()
    {
        var waiting = rig.Photos.Idle.SelectMany(child => ProcessTree.DescendantsOf(child).Select(process => process.Id).Append(child)).ToHashSet();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || ProcessTree.Find(id) is not { } process || waiting.Contains(id)) continue;
            if (Read(Path.Combine(folder, "cmdline")).Contains(rig.Sandbox.Folder, StringComparison.Ordinal) ||
                Read(Path.Combine(folder, "mountinfo")).Contains(Path.GetFileName(rig.ScratchRoom.Folder), StringComparison.Ordinal))
                yield return $"{process.Name} ({id})";
        }
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // It ended while we looked.
            return "";
        }
    }
}
