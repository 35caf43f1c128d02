using Stories.Worker.Media;

namespace Stories.Worker.Hosting;

/// <summary>
/// A lane that runs while the sandbox stands. Where no media can be touched its threads would be free always, and take every turn
/// from the workers that can do it.
/// </summary>
/// <param name="server">Hangfire's.</param>
internal sealed class MediaLane(IHostedService server, SandboxState sandbox) : IHostedService, IDisposable
{
    private CancellationTokenRegistration falling;
    private Task stopping = Task.CompletedTask;
    private bool isStarted;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (sandbox.Fault is not null) return;
        await server.StartAsync(cancellationToken);
        isStarted = true;
        falling = sandbox.Fallen.Register(() => stopping = server.StopAsync(CancellationToken.None));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!isStarted) return;
        await falling.DisposeAsync();
        await server.StopAsync(cancellationToken);
        await stopping;
    }

    public void Dispose() => (server as IDisposable)?.Dispose();
}
