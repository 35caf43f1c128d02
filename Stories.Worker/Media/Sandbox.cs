using System.Diagnostics;
using Microsoft.Extensions.Options;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>
/// Where every decoder runs (see sandbox.sh). The launcher lies in a folder of its own under the decoders' names, so that
/// whoever starts "ffmpeg" from that folder starts it sandboxed.
/// </summary>
public sealed class Sandbox : IDisposable
{
    private static readonly string[] Tools = ["ffmpeg", "ffprobe", "render-child", "check"];
    private readonly MediaOptions options;

    public Sandbox(IOptions<MediaOptions> options)
    {
        this.options = options.Value;
        Folder = Directory.CreateTempSubdirectory("stories-sandbox-").FullName;
        using var script = typeof(Sandbox).Assembly.GetManifestResourceStream("sandbox.sh")!;
        var launcher = Path.Combine(Folder, "sandbox");
        using (var file = File.Create(launcher)) script.CopyTo(file);
        File.SetUnixFileMode(launcher, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        foreach (var tool in Tools) File.CreateSymbolicLink(Path.Combine(Folder, tool), launcher);
    }

    public string Folder { get; }

    /// <summary>For processes that a library starts for us: it hands down our own environment.</summary>
    public void PrepareEnvironment()
    {
        foreach (var (name, value) in Environment()) System.Environment.SetEnvironmentVariable(name, value);
    }

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
        start.Environment["PATH"] = "/usr/bin:/bin";
        foreach (var (name, value) in Environment()) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Proves that the walls stand: a file outside cannot be seen, and there is no network but its own loopback.</summary>
    /// <returns>What is wrong, or null.</returns>
    public async Task<string?> FindFaultAsync(CancellationToken cancellationToken)
    {
        var scratch = Directory.CreateTempSubdirectory("stories-check-");
        var canary = Path.GetTempFileName();
        try
        {
            using var check = Start("check", scratch.FullName, "-c",
                $"test -e '{canary}' && exit 3; test -e /etc/passwd && exit 3; test $(grep -c : /proc/net/dev) = 1 || exit 4; echo ok > inside; echo walls");
            var output = await check.StandardOutput.ReadToEndAsync(cancellationToken);
            await check.WaitForExitAsync(cancellationToken);
            if (check.ExitCode == 0 && output == "walls\n" && File.Exists(Path.Combine(scratch.FullName, "inside"))) return null;
            return check.ExitCode switch
            {
                3 => "a sandboxed process sees files outside its folder",
                4 => "a sandboxed process has a network",
                _ => "bubblewrap cannot run here",
            };
        }
        finally
        {
            scratch.Delete(recursive: true);
            File.Delete(canary);
        }
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private IEnumerable<(string Name, string Value)> Environment() =>
    [
        ("STORIES_FFMPEG_FOLDER", options.FfmpegFolder),
        ("STORIES_FILE_BLOCKS", $"{options.OutputBytes / 512}"),
        ("STORIES_CPU_SECONDS", $"{(int)(options.WallClock + 4 * options.VideoDuration).TotalSeconds * 2}"),
        ("STORIES_APP_FOLDER", AppContext.BaseDirectory.TrimEnd('/')),
        ("STORIES_DOTNET_FOLDER", DotnetFolder()),
    ];

    /// <summary>Of the runtime that we run on ourselves: shared/Microsoft.NETCore.App/VERSION/ lies three below it.</summary>
    private static string DotnetFolder() =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));
}
