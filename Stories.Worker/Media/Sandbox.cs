using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>
/// Where every decoder runs (see sandbox.sh). The launcher lies in a folder of its own under the decoders' names, so that
/// whoever starts "ffmpeg" from that folder starts it sandboxed.
/// </summary>
public sealed class Sandbox : IDisposable
{
    private const string Check = "check";
    private static readonly string[] Tools = ["ffmpeg", "ffprobe", "render-child", Check];
    private static readonly TimeSpan CheckTime = TimeSpan.FromSeconds(10);
    private readonly ScratchRoom scratchRoom;
    private readonly OwnFolder folder;

    public Sandbox(IOptions<MediaOptions> options, ScratchRoom scratchRoom)
    {
        this.scratchRoom = scratchRoom;
        // Not in scratch: memory file systems are often mounted so that nothing in them can be run.
        folder = OwnFolder.Make(Path.GetTempPath(), "stories-sandbox-");
        using var script = typeof(Sandbox).Assembly.GetManifestResourceStream("sandbox.sh")!;
        var launcher = Path.Combine(Folder, "sandbox");
        using (var file = File.Create(launcher)) script.CopyTo(file);
        File.SetUnixFileMode(launcher, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.WriteAllLines(Path.Combine(Folder, "settings"), Settings(options.Value).Select(s => $"{s.Name}='{s.Value.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
        foreach (var tool in Tools) File.CreateSymbolicLink(Path.Combine(Folder, tool), launcher);
    }

    public string Folder => folder.Path;

    /// <param name="workingDirectory">Shown to the process, for writing too, if it is a scratch folder.</param>
    public Process Start(string tool, string workingDirectory, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Folder, tool))
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment.Clear();
        // For the check to look for.
        start.Environment["STORIES_OUTSIDE"] = "1";
        return Process.Start(start)!;
    }

    /// <summary>Ends a process that <see cref="Start"/> started, with all that it started: the launcher leads a group of its own.</summary>
    public static void Kill(Process process)
    {
        if (process.HasExited) return;
        Libc.KillGroup(process.Id);
        // In its first instant the launcher has no group yet.
        process.Kill();
    }

    /// <summary>
    /// Proves that the walls stand: neither a file outside nor our environment can be seen, nothing can be written beside
    /// scratch, and a listener of ours cannot be reached.
    /// </summary>
    /// <returns>What is wrong, or null.</returns>
    public async Task<string?> FindFaultAsync(CancellationToken cancellationToken)
    {
        await using var scratch = scratchRoom.Open();
        var canary = Path.GetTempFileName();
        using var tcp = new TcpListener(IPAddress.Loopback, 0);
        using var udp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        tcp.Start();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(CheckTime);
        try
        {
            using var check = Start(Check, scratch.Folder, "-c", $"""
                for file in '{canary}' /etc/passwd /root /home '{scratchRoom.Folder}'; do test -e "$file" && exit 3; done
                grep -q . /proc/1/environ && exit 4
                for file in /outside /usr/outside /dev/outside /dev/shm/outside; do (: >"$file") 2>/dev/null && exit 5; done
                test "$(grep -c : /proc/net/dev)" = 1 || exit 6
                bash -c ': <>/dev/tcp/127.0.0.1/{((IPEndPoint)tcp.LocalEndpoint).Port}' 2>/dev/null && exit 6
                bash -c 'echo >/dev/udp/127.0.0.1/{((IPEndPoint)udp.Client.LocalEndPoint!).Port}' 2>/dev/null
                echo ok >inside
                echo walls
                """);
            try
            {
                var errors = check.StandardError.ReadToEndAsync(patience.Token);
                var output = await check.StandardOutput.ReadToEndAsync(patience.Token);
                await errors;
                await check.WaitForExitAsync(patience.Token);
                if (tcp.Pending() || udp.Available > 0) return "a sandboxed process has a network";
                if (check.ExitCode == 0 && output == "walls\n" && File.Exists(scratch.File("inside"))) return null;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return "bubblewrap does not come to an end here";
            }
            finally
            {
                Kill(check);
            }
            return check.ExitCode switch
            {
                3 => "a sandboxed process sees files outside its folder",
                4 => "a sandboxed process sees our environment",
                5 => "a sandboxed process writes outside its folder",
                6 => "a sandboxed process has a network",
                _ => "bubblewrap cannot run here",
            };
        }
        finally
        {
            File.Delete(canary);
        }
    }

    /// <summary>Whatever still runs in it ends.</summary>
    public void Dispose() => folder.Dispose();

    private IEnumerable<(string Name, string Value)> Settings(MediaOptions options) =>
    [
        ("lifeline", folder.Lifeline),
        ("scratch", scratchRoom.Folder),
        ("ffmpeg_folder", options.FfmpegFolder),
        ("file_blocks", $"{options.OutputBytes / 512}"),
        ("cpu_seconds", $"{(int)(options.WallClock + 4 * options.VideoDuration).TotalSeconds * 2}"),
        ("app_folder", AppContext.BaseDirectory.TrimEnd('/')),
        ("dotnet_folder", DotnetFolder()),
    ];

    /// <summary>Of the runtime that we run on ourselves: shared/Microsoft.NETCore.App/VERSION/ lies three below it.</summary>
    private static string DotnetFolder() =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));
}
