using Stories.Core.Faults;

namespace Stories.Worker.Sponsored;

/// <summary>Looks each second for creatives to be made and for bytes that are to go now, and each few minutes for those whose time is over.</summary>
public sealed class CreativeTimer(IServiceScopeFactory scopes, ILogger<CreativeTimer> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan EraseEvery = TimeSpan.FromMinutes(5);

    /// <summary>Side by side: making takes minutes, and what must go is not to wait for it.</summary>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        RepeatAsync<MakeCreatives>(Every, make => make.RunAsync(stoppingToken), stoppingToken),
        RepeatAsync<EraseCreatives>(Every, erase => erase.EraseBytesAsync(stoppingToken), stoppingToken),
        RepeatAsync<EraseCreatives>(EraseEvery, erase => erase.RunAsync(stoppingToken), stoppingToken));

    private async Task RepeatAsync<T>(TimeSpan every, Func<T, Task> work, CancellationToken stoppingToken) where T : notnull
    {
        using var timer = new PeriodicTimer(every, TimeProvider.System);
        do await TryAsync(work, stoppingToken);
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task TryAsync<T>(Func<T, Task> work, CancellationToken stoppingToken) where T : notnull
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            await work(scope.ServiceProvider.GetRequiredService<T>());
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            log.LogError("{Work} failed: {Trouble}. It is tried again.", typeof(T).Name, Trouble.Of(e));
        }
    }
}
