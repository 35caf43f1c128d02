using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Stories.Core.Blobs;
using Stories.Core.Faults;

namespace Stories.Core;

/// <summary>Whether storage keeps what is deleted: asked at start, which may be refused, and then every hour, which can only be an alarm.</summary>
public sealed class RetentionWatch(RetentionProbe probe, IOptions<BlobOptions> options, TimeProvider clock, ILogger<RetentionWatch> log) : BackgroundService
{
    private volatile IReadOnlyList<string> kept = [];

    /// <summary>The settings that keep it, as they were found last.</summary>
    public IReadOnlyList<string> Kept => kept;

    /// <summary>Somebody has said that they know.</summary>
    public bool IsAllowed => options.Value.AllowRetainedDeletes;

    public async Task<IReadOnlyList<string>> LookAsync(CancellationToken cancellationToken)
    {
        kept = await probe.FindAsync(clock.GetUtcNow(), cancellationToken);
        if (kept.Count > 0)
        {
            log.Log(IsAllowed ? LogLevel.Warning : LogLevel.Error, "The storage account keeps what is deleted: {Settings}. What is erased stays there until those end.", string.Join(", ", kept));
        }
        return kept;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.ProbeEvery, TimeProvider.System);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning("The storage account could not be asked whether it keeps what is deleted: {Trouble}. What it said last stands.", Trouble.Of(e));
            }
        }
    }
}
