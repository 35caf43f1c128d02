using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>Looks at start whether the sandbox stands. Without it no media is touched.</summary>
public sealed class SandboxState(Sandbox sandbox, ILogger<SandboxState> log) : IHostedService
{
    /// <summary>What is wrong, or null.</summary>
    public string? Fault { get; private set; } = "not checked yet";

    public SandboxKind Kind => sandbox.Kind;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var (stands, faults) = await sandbox.RaiseAsync(cancellationToken);
        if (!stands) Fall(string.Join("; ", faults));
        else Fault = null;
        foreach (var fault in stands ? faults : []) log.LogWarning("Media is processed in Landlock, which hides less: {Fault}.", fault);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>From now on no media is touched.</summary>
    public void Fall(string fault)
    {
        Fault = fault;
        log.LogCritical("No media will be processed: {Fault}.", fault);
    }

    /// <exception cref="SandboxFaultException">The sandbox does not stand.</exception>
    public void ThrowIfFaulty()
    {
        if (Fault is not null) throw new SandboxFaultException(Fault);
    }

    /// <summary>After a decoder failed: was it the file, or have the walls come down since, or is there no decoder any more?</summary>
    /// <param name="tool">The one that failed.</param>
    /// <exception cref="SandboxFaultException">It was us; the file is not to blame.</exception>
    public async Task ThrowIfFallenAsync(string tool, CancellationToken cancellationToken)
    {
        if (await sandbox.FindFaultAsync(tool, cancellationToken) is { } fault) throw new SandboxFaultException(fault, isOfFiles: fault == Sandbox.NoRoom);
    }
}

/// <summary>Our own trouble: the work is to be tried again, elsewhere or later.</summary>
/// <param name="isOfFiles">A file may have brought it about.</param>
public sealed class SandboxFaultException(string fault, bool isOfFiles = false) : Exception($"The sandbox does not stand: {fault}.")
{
    public bool IsOfFiles => isOfFiles;
}
