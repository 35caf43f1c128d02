using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Stories.Core.Media;
using Stories.Worker.Confinement;

namespace Stories.Worker.Media;

/// <summary>
/// Where every decoder runs (see sandbox.sh). The launcher lies in a folder of its own under the decoders' names, so that
/// whoever starts "ffmpeg" from that folder starts it sandboxed.
/// </summary>
public sealed class Sandbox : IDisposable
{
    private const string Check = "check";
    private const string Reached = "a process has a network";
    public const string NoRoom = "there is no room in scratch for what a process may write";
    private const long LeastRoom = 1 << 20;

    /// <summary>Of a shell's limits.</summary>
    private const long Block = 512;

    /// <summary>For where the network is one of its own.</summary>
    private const string OneDevice = """while read -r line; do [[ $line = *:* ]] && devices+=.; done </proc/net/dev; [ "$devices" = . ] || exit 6""";

    private static readonly string[] Tools = ["ffmpeg", "ffprobe", "heif-convert", "render-child", Check];

    /// <summary>What each says when it is there, with the parts that our files need.</summary>
    private static readonly (string Tool, string Argument, string[] Parts)[] Decoders =
    [
        ("ffmpeg", "-version", ["--enable-libx264", "--enable-libzimg"]),
        ("ffprobe", "-version", []),
        ("heif-convert", "--list-decoders", ["HEVC"]),
    ];

    private static readonly string[] Places = ["/", "/usr", "/dev", "/dev/shm"];

    /// <summary>A hundred times what it takes: a busy machine must not pass for a broken wall.</summary>
    private static readonly TimeSpan CheckTime = TimeSpan.FromSeconds(30);

    private readonly MediaOptions options;
    private readonly ScratchRoom scratchRoom;
    private readonly OwnFolder folder;

    public Sandbox(IOptions<MediaOptions> options, ScratchRoom scratchRoom)
    {
        this.options = options.Value;
        this.scratchRoom = scratchRoom;
        // What whoever started us left open to us is not the decoders'. Where this does not work, the check finds what there is.
        _ = Kernel.CloseFilesOnExecution();
        // Not in scratch: memory file systems are often mounted so that nothing in them can be run.
        folder = OwnFolder.Make(Path.GetTempPath(), "stories-sandbox-");
        using var script = typeof(Sandbox).Assembly.GetManifestResourceStream("sandbox.sh")!;
        var launcher = Path.Combine(Folder, "sandbox");
        using (var file = File.Create(launcher)) script.CopyTo(file);
        File.SetUnixFileMode(launcher, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.WriteAllBytes(Path.Combine(Folder, "filter"), SyscallFilter.Program(RuntimeInformation.ProcessArchitecture, SyscallFilter.Refusals));
        foreach (var tool in Tools) File.CreateSymbolicLink(Path.Combine(Folder, tool), launcher);
        Use(this.options.Sandbox == SandboxKind.Auto ? SandboxKind.Bubblewrap : this.options.Sandbox);
    }

    /// <summary>The one in use, which stands if <see cref="RaiseAsync"/> said so.</summary>
    public SandboxKind Kind { get; private set; }

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

    /// <summary>Runs a tool to its end in a scratch folder. What it complains of is thrown away: it quotes the file.</summary>
    /// <param name="most">Bytes that it may say.</param>
    /// <exception cref="MediaRefusedException">It says more than it may, or takes longer.</exception>
    public async Task<(int Exit, byte[] Said)> RunAsync(string tool, Scratch scratch, int most, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        using var process = Start(tool, scratch.Folder, arguments);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.WallClock);
        try
        {
            var errors = process.StandardError.BaseStream.CopyToAsync(Stream.Null, patience.Token);
            var said = new byte[most + 1];
            var length = await process.StandardOutput.BaseStream.ReadAtLeastAsync(said, said.Length, throwOnEndOfStream: false, patience.Token);
            if (length > most) throw new MediaRefusedException(MediaCodes.Limit);
            await errors;
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, said[..length]);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MediaRefusedException(MediaCodes.Limit);
        }
        finally
        {
            Kill(process);
        }
    }

    /// <summary>Takes the first kind that is permitted and stands. What is missing behind the walls would be missing behind others too.</summary>
    /// <returns>Whether there is one, and what is wrong with those before it.</returns>
    public async Task<(bool Stands, IReadOnlyList<string> Faults)> RaiseAsync(CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        SandboxKind[] kinds = options.Sandbox == SandboxKind.Auto ? [SandboxKind.Bubblewrap, SandboxKind.Landlock] : [options.Sandbox];
        foreach (var kind in kinds)
        {
            Use(kind);
            if (await LookAsync(FindHoleAsync, cancellationToken) is not { } fault)
                return await LookAsync(async c => await FindMissingAsync(Decoders, c) ?? await FindFloodAsync(c), cancellationToken) is { } lack ? (false, [lack]) : (true, faults);
            faults.Add(fault);
        }
        return (false, faults);
    }

    /// <summary>After a tool failed: whether the walls stand, the tool can be run, and there is room for what it writes.</summary>
    /// <returns>What is wrong, or null.</returns>
    public async Task<string?> FindFaultAsync(string failed, CancellationToken cancellationToken) =>
        await LookAsync(FindHoleAsync, cancellationToken)
        ?? await LookAsync(c => FindMissingAsync(Decoders.Where(d => d.Tool == failed), c), cancellationToken)
        ?? (new DriveInfo(scratchRoom.Folder).AvailableFreeSpace < LeastRoom ? NoRoom : null);

    private async Task<string?> LookAsync(Func<CancellationToken, Task<string?>> find, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(CheckTime);
        try
        {
            var fault = Kind == SandboxKind.Landlock && Landlock.Version < 1
                ? "nothing can be run: this kernel has none"
                : await find(patience.Token);
            return fault is null or NoRoom ? fault : $"with {Name}, {fault}";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"with {Name}, a process does not come to an end";
        }
        catch (Win32Exception)
        {
            // As where the folder for temporary files is mounted so.
            return $"nothing can be run from {Path.GetDirectoryName(Folder)}";
        }
    }

    /// <summary>Whatever still runs in it ends.</summary>
    public void Dispose() => folder.Dispose();

    /// <summary>
    /// Proves that the walls stand: neither a file outside nor our environment can be seen, nothing can be written beside
    /// scratch, listeners of ours cannot be reached, no file of ours is open, no process, namespace or core dump can be made.
    /// </summary>
    private async Task<string?> FindHoleAsync(CancellationToken cancellationToken)
    {
        await using var scratch = scratchRoom.Open();
        using var tcp = new TcpListener(IPAddress.Loopback, 0);
        using var udp = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        tcp.Start();
        await HearAsync(tcp, udp, cancellationToken);
        var canary = Path.GetTempFileName();
        string[] beside = [.. Places.Append(scratchRoom.Folder).Select(place => Path.Combine(place, Path.GetFileName(scratch.Folder) + "-beside"))];
        try
        {
            // Builtins only: nothing can be started in there. A failed fork ends the script, so it comes last, and what is to be
            // run after it waits for the exit.
            var (exit, said) = await CheckAsync(scratch, $$"""
                for file in '{{canary}}' /etc/passwd /root /home '{{scratchRoom.Folder}}'; do { : <"$file"; } && exit 3; done
                [ "${STORIES_OUTSIDE+set}" ] && exit 4
                for process in 1 "$PPID"; do read -rN 1 _ <"/proc/$process/environ" && exit 4; done
                for file in {{string.Join(' ', beside.Select(file => $"'{file}'"))}}; do { : >"$file"; } && exit 5; done
                {{(Kind == SandboxKind.Bubblewrap ? OneDevice : "")}}
                { : <>/dev/tcp/127.0.0.1/{{PortOf(tcp.LocalEndpoint)}}; } && exit 6
                { echo >/dev/udp/127.0.0.1/{{PortOf(udp.Client.LocalEndPoint!)}}; } && exit 6
                ulimit -c 1 && exit 7
                for ((file = 3; file < 256; file++)); do { : <&"$file"; } && exit 8; done
                echo ok >inside
                echo walls
                trap 'exec unshare --user echo namespace' EXIT
                (echo process)
                """, cancellationToken);
            if (tcp.Pending() || udp.Available > 0) return Reached;
            return exit switch
            {
                3 => "a process sees files outside its folder",
                4 => "a process sees our environment",
                5 => "a process writes outside its folder",
                6 => Reached,
                7 => "a process leaves core dumps",
                8 => "a process holds open files of ours",
                _ when said == "walls\n" && File.Exists(scratch.File("inside")) => null,
                _ when said.Contains("process", StringComparison.Ordinal) => "a process starts others",
                _ when said.Contains("namespace", StringComparison.Ordinal) => "a process makes namespaces",
                _ => "nothing can be run",
            };
        }
        finally
        {
            File.Delete(canary);
            // Where there is no wall, there they are.
            foreach (var file in beside) File.Delete(file);
        }
    }

    /// <summary>Whoever lacks a decoder would find every file damaged.</summary>
    private async Task<string?> FindMissingAsync(IEnumerable<(string Tool, string Argument, string[] Parts)> decoders, CancellationToken cancellationToken)
    {
        await using var scratch = scratchRoom.Open();
        foreach (var (tool, argument, parts) in decoders)
        {
            var (exit, said) = await ToEndAsync(tool, scratch, cancellationToken, argument);
            if (exit != 0) return $"{tool} cannot be run";
            if (parts.FirstOrDefault(part => !said.Contains(part, StringComparison.Ordinal)) is { } part) return $"{tool} has no {part}";
        }
        return null;
    }

    /// <summary>Writes a little more than a file may have.</summary>
    private async Task<string?> FindFloodAsync(CancellationToken cancellationToken)
    {
        await using var scratch = scratchRoom.Open();
        await CheckAsync(scratch, $"exec head -c {options.OutputBytes + (1 << 20)} /dev/zero >flood", cancellationToken);
        return new FileInfo(scratch.File("flood")) switch
        {
            { Exists: false } or { Length: 0 } => "nothing can be run",
            { Length: var length } when length > options.OutputBytes => "a process writes files without end",
            { Length: var length } when length < options.OutputBytes / Block * Block => NoRoom,
            _ => null,
        };
    }

    private Task<(int Exit, string Said)> CheckAsync(Scratch scratch, string script, CancellationToken cancellationToken) => ToEndAsync(Check, scratch, cancellationToken, "-c", script);

    private async Task<(int Exit, string Said)> ToEndAsync(string tool, Scratch scratch, CancellationToken cancellationToken, params IEnumerable<string> arguments)
    {
        using var check = Start(tool, scratch.Folder, arguments);
        try
        {
            var errors = check.StandardError.ReadToEndAsync(cancellationToken);
            var said = await check.StandardOutput.ReadToEndAsync(cancellationToken);
            await errors;
            await check.WaitForExitAsync(cancellationToken);
            return (check.ExitCode, said);
        }
        finally
        {
            Kill(check);
        }
    }

    /// <summary>That nobody came says something only of listeners that hear.</summary>
    private static async Task HearAsync(TcpListener tcp, UdpClient udp, CancellationToken cancellationToken)
    {
        using var caller = new TcpClient();
        using var sender = new UdpClient();
        await caller.ConnectAsync((IPEndPoint)tcp.LocalEndpoint, cancellationToken);
        await sender.SendAsync(new byte[1], (IPEndPoint)udp.Client.LocalEndPoint!, cancellationToken);
        (await tcp.AcceptTcpClientAsync(cancellationToken)).Dispose();
        await udp.ReceiveAsync(cancellationToken);
    }

    private static int PortOf(EndPoint endPoint) => ((IPEndPoint)endPoint).Port;

    private string Name => Kind == SandboxKind.Landlock ? "Landlock" : "bubblewrap";

    private void Use(SandboxKind kind)
    {
        Kind = kind;
        File.WriteAllLines(Path.Combine(Folder, "settings"), Settings().Select(s => $"{s.Name}='{s.Value.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
    }

    private IEnumerable<(string Name, string Value)> Settings() =>
    [
        ("walls", Name),
        ("lifeline", folder.Lifeline),
        ("scratch", scratchRoom.Folder),
        ("ffmpeg_folder", options.FfmpegFolder),
        ("file_blocks", $"{options.OutputBytes / Block}"),
        ("cpu_seconds", $"{(int)(options.WallClock + 4 * options.VideoDuration).TotalSeconds * 2}"),
        ("app_folder", AppContext.BaseDirectory.TrimEnd('/')),
        ("dotnet_folder", DotnetFolder()),
    ];

    /// <summary>Of the runtime that we run on ourselves: shared/Microsoft.NETCore.App/VERSION/ lies three below it.</summary>
    private static string DotnetFolder() =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));
}
