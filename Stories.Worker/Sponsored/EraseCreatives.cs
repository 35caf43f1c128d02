using Microsoft.EntityFrameworkCore;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Worker.Sponsored;

/// <summary>
/// Creatives whose time is over: what was shown a year after the last time, because a public repository must have it until then; what never was 30 days after
/// its end; and what a reviewer has erased at once. Bytes first, and the row only when storage says that they are gone.
/// </summary>
public sealed class EraseCreatives(StoriesDb db, CreativeBlobs blobs, TimeProvider clock)
{
    private const int Most = 100;
    private static readonly TimeSpan Shown = TimeSpan.FromDays(365), NeverShown = TimeSpan.FromDays(30);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var (shown, never) = (now - Shown, now - NeverShown);
        var ended = new[] { CreativeState.Withdrawn, CreativeState.Rejected, CreativeState.Suspended };
        await Attempts.EachAsync(await db.Creatives.AsNoTracking().Where(c => c.ErasedAt != null && c.Container != null).Take(Most).ToListAsync(cancellationToken), async creative =>
        {
            if (!await blobs.DeleteAsync(creative.Container!, cancellationToken)) return;
            await db.Creatives.Where(c => c.Id == creative.Id).ExecuteUpdateAsync(set => set.SetProperty(c => c.Container, (string?)null), cancellationToken);
        }, cancellationToken);

        var over = await db.Creatives.AsNoTracking()
            .Where(c => (c.LastShownAt == null && c.ChangedAt < never && ended.Contains(c.State)) || (c.LastShownAt < shown && c.State != CreativeState.Approved && c.State != CreativeState.InReview && c.State != CreativeState.Processing))
            .OrderBy(c => c.ChangedAt).Take(Most).ToListAsync(cancellationToken);
        await Attempts.EachAsync(over, async creative =>
        {
            if (creative.Container is { } container && !await blobs.DeleteAsync(container, cancellationToken)) return;
            CrashPoints.Hit("creative:erased");
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            await db.Reviews.Where(r => r.CreativeId == creative.Id).ExecuteDeleteAsync(cancellationToken);
            await db.LineCreatives.Where(c => c.CreativeId == creative.Id).ExecuteDeleteAsync(cancellationToken);
            await db.Creatives.Where(c => c.Id == creative.Id && c.ChangedAt == creative.ChangedAt).ExecuteDeleteAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }, cancellationToken);
    }
}
