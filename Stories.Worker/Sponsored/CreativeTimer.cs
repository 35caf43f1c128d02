using Stories.Core.Faults;

namespace Stories.Worker.Sponsored;

/// <summary>Looks each second for creatives to be made and for bytes that are to go now, and each few minutes for those whose time is over.</summary>
public sealed class CreativeTimer(IServiceScopeFactory scopes, ILogger<CreativeTimer> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan EraseEvery = TimeSpan.FromMinutes(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        long? erased = null;
        using var timer = new PeriodicTimer(Every, TimeProvider.System);
        do
        {
            await TryAsync<MakeCreatives>(make => make.RunAsync(stoppingToken), stoppingToken);
            await TryAsync<EraseCreatives>(erase => erase.EraseBytesAsync(stoppingToken), stoppingToken);
            if (erased is { } before && TimeProvider.System.GetElapsedTime(before) < EraseEvery) continue;
            await TryAsync<EraseCreatives>(erase => erase.RunAsync(stoppingToken), stoppingToken);
            erased = TimeProvider.System.GetTimestamp();
        }
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
