using System.Diagnostics;
using System.Globalization;

namespace Stories.Tests.Fixtures;

/// <summary>
/// <c>./stories</c> in a folder of its own, with PostgreSQL and Azurite as they are, and with a <c>dotnet</c> that builds without end, serves health, shows a demo
/// without end, and else says where it stands and what it was asked.
/// </summary>
internal sealed class ScriptClone : IAsyncDisposable
{
    private const string Dotnet = """
        #!/bin/sh
        clone=$(dirname "$(dirname "$0")")
        endless() { echo $$ >"$clone/$1"; exec sleep 1000; }
        case "$1 $2" in
            --version*) echo 10.0.100 ;;
            restore*) endless building ;;
            *.Client.dll\ demo) endless showing ;;
            *.dll\ --urls) exec node -e 'require("http").createServer((_, answer) => answer.end("{}")).listen(new URL(process.argv[1]).port, "127.0.0.1")' "$3" ;;
            *) echo "$PWD: $*" ;;
        esac
        """;

    /// <summary>What it runs is asked to end when this process is gone.</summary>
    private const string Guard = """
        exec 3<&0
        "$@" </dev/null >"$OUTPUT" 2>&1 3<&- & child=$!
        (read -r _ <&3; kill -TERM "$child") 2>/dev/null & guard=$!
        wait "$child"; code=$?
        kill "$guard" 2>/dev/null
        exit "$code"
        """;

    private static readonly string[] Copied = ["stories", "azurite.json", "package-lock.json"];
    private static readonly string[] Empty = ["Directory.Build.props", "global.json", ".editorconfig", "BannedSymbols.txt"];
    private static readonly string[] Tools = ["ffmpeg", "bwrap", "heif-convert", "age", "exiftool", "wrk"];
    private static readonly string[] Works = ["building", "showing"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);

    private readonly string root = Directory.CreateTempSubdirectory("stories-clone-").FullName;
    private readonly Dictionary<string, string> ports = new[] { "PG", "BLOB", "API", "WORKER" }.ToDictionary(name => $"STORIES_{name}_PORT", _ => FreePort.Next().ToString(CultureInfo.InvariantCulture));
    private readonly List<Process> started = [];
    private int outputs;

    /// <param name="isBuilt">So that no build is needed; else the first one never ends.</param>
    public ScriptClone(bool isBuilt)
    {
        foreach (var file in Copied) File.Copy(Repository.Path(file), Path.Combine(root, file));
        foreach (var file in Empty) File.WriteAllText(Path.Combine(root, file), "");
        File.CreateSymbolicLink(Path.Combine(root, "node_modules"), Repository.Path("node_modules"));
        WriteProgram("dotnet", Dotnet);
        foreach (var tool in Tools) WriteProgram(tool, "#!/bin/sh\n");
        foreach (var project in new[] { "Api", "Worker", "Client", "Bench" })
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(root, $"Stories.{project}", "bin", "Release", "net10.0")).FullName, $"Stories.{project}.dll"), "");
        if (isBuilt) File.WriteAllText(Path.Combine(Directory.CreateDirectory(Local).FullName, "built"), "");
    }

    /// <summary>Where all that it makes lies.</summary>
    public string Local => Path.Combine(root, ".local");

    /// <param name="task">The task and its arguments.</param>
    /// <param name="from">The folder of whoever calls.</param>
    public Call Start(string[] task, string? from = null, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var output = Path.Combine(root, $"output-{++outputs}");
        var start = new ProcessStartInfo("/bin/sh", ["-c", Guard, "guard", Path.Combine(root, "stories"), .. task]) { RedirectStandardInput = true, WorkingDirectory = from ?? root };
        foreach (var (name, value) in ports) start.Environment[name] = value;
        foreach (var (name, value) in more) start.Environment[name] = value;
        start.Environment["PATH"] = $"{root}/bin:{start.Environment["PATH"]}";
        start.Environment["OUTPUT"] = output;
        var process = Process.Start(start)!;
        started.Add(process);
        return new Call(process, output);
    }

    public Task<(int ExitCode, string Output)> RunAsync(CancellationToken cancellationToken, params string[] task) => Start(task).WaitForEndAsync(cancellationToken);

    /// <returns>What goes on without end, once it has begun.</returns>
    /// <param name="work"><c>building</c> or <c>showing</c>.</param>
    public async Task<LiveProcess> UntilAtAsync(string work, CancellationToken cancellationToken)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (Find(work) is { } process) return process;
            Assert.True(TimeProvider.System.GetElapsedTime(begin) < Patience, $"It is not {work}.");
            await Task.Delay(Glance, TimeProvider.System, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // A script that waits for one of these would not hear that it is to end.
        foreach (var work in Works)
        {
            if (Find(work) is not { } endless) continue;
            using var process = Process.GetProcessById(endless.Id);
            process.Kill();
        }
        foreach (var process in started)
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
        }
        await RunAsync(CancellationToken.None, "down");
        started.ForEach(process => process.Dispose());
        Directory.Delete(root, recursive: true);
    }

    private LiveProcess? Find(string work)
    {
        var file = Path.Combine(root, work);
        return File.Exists(file) && int.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var id) && ProcessTree.Find(id) is { Name: "sleep" } process ? process : null;
    }

    private void WriteProgram(string name, string text)
    {
        var file = Path.Combine(Directory.CreateDirectory(Path.Combine(root, "bin")).FullName, name);
        File.WriteAllText(file, text);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public sealed class Call(Process process, string output)
    {
        public async Task<(int ExitCode, string Output)> WaitForEndAsync(CancellationToken cancellationToken)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Patience);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await File.ReadAllTextAsync(output, cancellationToken));
        }
    }
}
