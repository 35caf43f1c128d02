using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Stories.Tests.Fixtures;

/// <summary>
/// One of our programs as a real process: ready when it says so, everything it prints kept, and ended in every way a
/// process can end. A shell between us kills it when this process is gone, so that a killed run leaves nothing behind.
/// </summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigContinue = 18;
    private const int SigStop = 19;

    private const string Guard = """
        exec 3<&0
        "$@" </dev/null 3<&- & child=$!
        echo "$child"
        (read -r _ <&3; kill -KILL "$child") 2>/dev/null & guard=$!
        wait "$child"; code=$?
        kill "$guard" 2>/dev/null
        exit "$code"
        """;

    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    private readonly string _name;
    private readonly Process _shell;
    private readonly StringBuilder _output = new();
    private readonly Task _reading;
    private readonly HashSet<LiveProcess> _family = [];

    private ChildProcess(string name, Process shell, Uri address)
    {
        _name = name;
        _shell = shell;
        Address = address;
        Id = int.Parse(shell.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
        _reading = Task.WhenAll(KeepAsync(shell.StandardOutput), KeepAsync(shell.StandardError));
    }

    public int Id { get; }
    public Uri Address { get; }
    public bool HasEnded => _shell.HasExited;

    /// <summary>Everything it has printed so far, standard output and standard error.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Starts a host, for instance <c>Api</c>, on a free port of its own.</summary>
    public static ChildProcess StartHost(string project, IReadOnlyDictionary<string, string> environment)
    {
        var address = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        return Start(project, environment, address, "--urls", address.ToString());
    }

    /// <summary>Runs a program to its end, for instance <c>Api migrate</c>.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        string project, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken, params string[] arguments)
    {
        await using var process = Start(project, environment, new Uri("about:blank"), arguments);
        return (await process.WaitForEndAsync(cancellationToken), process.Output);
    }

    /// <summary>The program as this build made it.</summary>
    public static string Program(string project)
    {
        // …/Stories.Tests/bin/CONFIGURATION/FRAMEWORK/
        var framework = new DirectoryInfo(AppContext.BaseDirectory);
        return Repository.Path($"Stories.{project}", "bin", framework.Parent!.Name, framework.Name, $"Stories.{project}.dll");
    }

    public Task WaitUntilReadyAsync(CancellationToken cancellationToken) => WaitUntilAsync("ready", cancellationToken);

    /// <summary>It answers, whatever its checks say.</summary>
    public Task WaitUntilLiveAsync(CancellationToken cancellationToken) => WaitUntilAsync("live", cancellationToken);

    private async Task WaitUntilAsync(string health, CancellationToken cancellationToken)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (!await IsAsync(health, cancellationToken))
        {
            if (HasEnded) Assert.Fail($"{_name} ended with {_shell.ExitCode} before it was {health}:\n{Output}");
            if (TimeProvider.System.GetElapsedTime(begin) > ReadyLimit) Assert.Fail($"{_name} is not {health} after {ReadyLimit}:\n{Output}");
            await Task.Delay(Glance, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>As a power cut would: no handler runs, no buffer is written.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        // Standing still it starts nobody between our look at its children and its end.
        Signal(SigStop);
        Remember();
        Signal(SigKill);
        await WaitForEndAsync(cancellationToken);
    }

    /// <summary>As an orchestrator would: asks it to end, and waits.</summary>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        Remember();
        Signal(SigTerm);
        return await WaitForEndAsync(cancellationToken);
    }

    public async Task<int> WaitForEndAsync(CancellationToken cancellationToken)
    {
        await _shell.WaitForExitAsync(cancellationToken);
        // Its last words; a descendant that lives on may hold the pipe open for longer than we care.
        await Task.WhenAny(_reading, Task.Delay(LastWords, TimeProvider.System, cancellationToken));
        return _shell.ExitCode;
    }

    /// <summary>It stands still until <see cref="Resume"/>, as in a long garbage collection or a moved virtual machine.</summary>
    public void Pause() => Signal(SigStop);

    public void Resume() => Signal(SigContinue);

    public IReadOnlyList<LiveProcess> Descendants() => ProcessTree.DescendantsOf(Id);

    /// <summary>None of the processes that it had when it was stopped or killed, and none of theirs, outlives it by more than this.</summary>
    public async Task AssertNoDescendantsAsync(TimeSpan within, CancellationToken cancellationToken)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            Remember();
            var left = _family.Where(process => process.IsAlive).ToList();
            if (left.Count == 0) return;
            if (TimeProvider.System.GetElapsedTime(begin) > within)
                Assert.Fail($"{_name} left behind after {within}: {string.Join(", ", left.Select(process => $"{process.Name} ({process.Id})"))}");
            await Task.Delay(Glance, TimeProvider.System, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Signal(SigContinue);
        // The guard kills it as soon as this closes.
        _shell.StandardInput.Close();
        using var limit = new CancellationTokenSource(EndLimit);
        await _shell.WaitForExitAsync(limit.Token);
        _shell.Dispose();
    }

    private static ChildProcess Start(string project, IReadOnlyDictionary<string, string> environment, Uri address, params string[] arguments)
    {
        var program = Program(project);
        var start = new ProcessStartInfo("/bin/sh", ["-c", Guard, project, "dotnet", program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(program),
        };
        // As for the tests' own process.
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new ChildProcess(project, Process.Start(start)!, address);
    }

    private async Task<bool> IsAsync(string health, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await Http.GetAsync(new Uri(Address, $"/health/{health}"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Remember()
    {
        foreach (var process in Descendants()) _family.Add(process);
        foreach (var process in _family.ToList())
            if (process.IsAlive)
                foreach (var child in ProcessTree.DescendantsOf(process.Id)) _family.Add(child);
    }

    private void Signal(int signal)
    {
        // The shell reaps it: while the shell lives, the number is its.
        if (!HasEnded) _ = SendSignal(Id, signal);
    }

    private async Task KeepAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
            lock (_output) _output.AppendLine(line);
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}
