namespace Stories.Worker.Media;

/// <summary>Looks at start whether the sandbox stands. Without it no media is touched.</summary>
public sealed class SandboxState(Sandbox sandbox, ILogger<SandboxState> log) : IHostedService
{
    /// <summary>What is wrong, or null.</summary>
    public string? Fault { get; private set; } = "not checked yet";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        sandbox.PrepareEnvironment();
        Fault = await sandbox.FindFaultAsync(cancellationToken);
        if (Fault is not null) log.LogCritical("No media will be processed: {Fault}.", Fault);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void ThrowIfFaulty()
    {
        if (Fault is not null) throw new InvalidOperationException("The sandbox does not stand.");
    }
}
