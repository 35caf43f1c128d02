using System.Globalization;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>Looks at start whether the sandbox stands. Without it no media is touched.</summary>
/// <param name="kernel">Where the kernel counts what it did.</param>
public sealed class SandboxState(Sandbox sandbox, ILogger<SandboxState> log, string kernel = "/proc/vmstat") : IHostedService, IDisposable
{
    private const string Kills = "oom_kill ";

    private readonly CancellationTokenSource fallen = new();
    private long kills = CountKills(kernel);

    /// <summary>Cancelled when no media is touched any more.</summary>
    public CancellationToken Fallen => fallen.Token;

    /// <summary>What is wrong, or null.</summary>
    public string? Fault { get; internal set; } = "not checked yet";

    public SandboxKind Kind => sandbox.Kind;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var (stands, faults) = await sandbox.RaiseAsync(cancellationToken);
        if (!stands) Fall(string.Join("; ", faults));
        else Fault = null;
        foreach (var fault in stands ? faults : []) log.LogWarning("Media is processed in Landlock, which hides less: {Fault}.", fault);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => fallen.Dispose();

    /// <summary>From now on no media is touched.</summary>
    public void Fall(string fault)
    {
        Fault = fault;
        log.LogCritical("No media will be processed: {Fault}.", fault);
        fallen.Cancel();
    }

    /// <exception cref="SandboxFaultException">The sandbox does not stand.</exception>
    public void ThrowIfFaulty()
    {
        if (Fault is not null) throw new SandboxFaultException(Fault);
    }

    /// <summary>
    /// After a decoder was killed: of several processes that need much memory the kernel takes any. Trouble of ours then, but an
    /// attempt counts: the file may be the one that needs so much.
    /// </summary>
    /// <exception cref="SandboxFaultException">The kernel has ended a process for want of memory since somebody last asked.</exception>
    public void ThrowIfOutOfMemory()
    {
        var now = CountKills(kernel);
        if (Interlocked.Exchange(ref kills, now) < now) throw new SandboxFaultException("the kernel ended a process for want of memory", isOfFiles: true);
    }

    /// <summary>After a decoder failed: was it the file, or have the walls come down since, or is there no decoder any more?</summary>
    /// <param name="tool">The one that failed.</param>
    /// <exception cref="SandboxFaultException">It was us; the file is not to blame.</exception>
    public async Task ThrowIfFallenAsync(string tool, CancellationToken cancellationToken)
    {
        ThrowIfOutOfMemory();
        if (await sandbox.FindFaultAsync(tool, cancellationToken) is { } fault) throw new SandboxFaultException(fault, isOfFiles: fault == Sandbox.NoRoom);
    }

    /// <returns>0 where the kernel does not say.</returns>
    private static long CountKills(string kernel) =>
        File.Exists(kernel) && File.ReadLines(kernel).FirstOrDefault(line => line.StartsWith(Kills, StringComparison.Ordinal)) is { } line ? long.Parse(line[Kills.Length..], CultureInfo.InvariantCulture) : 0;
}

/// <summary>Our own trouble: the work is to be tried again, elsewhere or later.</summary>
/// <param name="isOfFiles">A file may have brought it about.</param>
public sealed class SandboxFaultException(string fault, bool isOfFiles = false) : Exception($"The sandbox does not stand: {fault}.")
{
    public bool IsOfFiles => isOfFiles;
}
