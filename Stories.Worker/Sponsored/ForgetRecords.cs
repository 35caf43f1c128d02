using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Faults;

namespace Stories.Worker.Sponsored;

/// <summary>Deletes what counting needed and needs no more; docs/operations.md says what stays how long.</summary>
public sealed class ForgetRecords(StoriesDb db, TimeProvider clock, ILogger<ForgetRecords> log)
{
    private static readonly TimeSpan Catalogs = TimeSpan.FromDays(5);
    private static readonly TimeSpan CellHours = TimeSpan.FromDays(35);
    private static readonly TimeSpan Answers = TimeSpan.FromHours(24);
    private static readonly TimeSpan EndedOffers = TimeSpan.FromDays(30);
    private const int CountedDays = 10;
    private const int QuotaDays = 2;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var today = DateOnly.FromDateTime(now.UtcDateTime);
        var (epoch, hour, answered, counted, quota) = ((now - Catalogs).ToUnixTimeSeconds(), now - CellHours, now - Answers, today.AddDays(-CountedDays), today.AddDays(-QuotaDays));
        await TryAsync("catalogs", () => db.Catalogs.Where(c => c.Epoch < epoch).ExecuteDeleteAsync(cancellationToken), cancellationToken);
        await TryAsync("ids of counted records", () => db.CountedRecords.Where(r => r.Day < counted).ExecuteDeleteAsync(cancellationToken), cancellationToken);
        await TryAsync("quotas", () => db.RecordQuotas.Where(q => q.Day <= quota).ExecuteDeleteAsync(cancellationToken), cancellationToken);
        await TryAsync("hours of cells", () => db.CellHours.Where(h => h.Hour < hour).ExecuteDeleteAsync(cancellationToken), cancellationToken);
        var ended = now - EndedOffers;
        await TryAsync("offers", () => db.Offers.Where(o => o.ExpiresAt < ended).ExecuteDeleteAsync(cancellationToken), cancellationToken);
        await TryAsync("answers", () => db.Answered.Where(a => a.At < answered).ExecuteDeleteAsync(cancellationToken), cancellationToken);
    }

    /// <summary>Trouble with one must not keep the others.</summary>
    private async Task TryAsync(string what, Func<Task> deleteAsync, CancellationToken cancellationToken)
    {
        try
        {
            await deleteAsync();
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogError("Old {What} could not be deleted: {Trouble}. It is tried again.", what, Trouble.Of(e));
        }
    }
}
