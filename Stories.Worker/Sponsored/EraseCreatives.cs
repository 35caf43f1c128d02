using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Worker.Sponsored;

/// <summary>
/// Creatives whose time is over: what was shown a year after the last time, because a public repository must have it until then; what never was 30 days after
/// its end, and unused ones after a year; and what a reviewer has erased, at once. First the row says that the bytes go, so that nobody submits, shows or
/// appeals it any more; then they go; and the row only when storage says that they are gone. Of what was refused it stays for a year: it knows what it looked like.
/// </summary>
public sealed class EraseCreatives(StoriesDb db, CreativeBlobs blobs, TimeProvider clock)
{
    private const int Most = 100;
    private static readonly TimeSpan KeptFor = TimeSpan.FromDays(365), NeverShownKeptFor = TimeSpan.FromDays(30);

    private static readonly Expression<Func<Creative, bool>> HasEnded = c => c.State == CreativeState.Withdrawn || c.State == CreativeState.Rejected || c.State == CreativeState.Suspended;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await EndAsync(now, cancellationToken);
        await EraseBytesAsync(cancellationToken);
        await ForgetAsync(now, cancellationToken);
    }

    /// <summary>Of those for which that has been said. Repeatable.</summary>
    public async Task EraseBytesAsync(CancellationToken cancellationToken)
    {
        var asked = await db.Creatives.AsNoTracking().Where(c => c.ErasedAt != null && c.Container != null).OrderBy(c => c.ErasedAt).Take(Most).ToListAsync(cancellationToken);
        await Attempts.EachAsync(asked, async creative =>
        {
            if (!await blobs.DeleteAsync(creative.Container!, cancellationToken)) return;
            CrashPoints.Hit("creative:erased");
            await db.Creatives.Where(c => c.Id == creative.Id).ExecuteUpdateAsync(set => set.SetProperty(c => c.Container, (string?)null), cancellationToken);
        }, cancellationToken);
    }

    private async Task EndAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var (old, ended) = (now - KeptFor, now - NeverShownKeptFor);
        var kept = db.Creatives.Where(c => c.ErasedAt == null);
        await kept.Where(HasEnded).Where(c => c.LastShownAt == null && (c.ChangedAt < ended || db.Advertisers.Any(a => a.Id == c.AdvertiserId && a.User == "")))
            .ExecuteUpdateAsync(set => set.SetProperty(c => c.ErasedAt, now), cancellationToken);
        await kept.Where(HasEnded).Where(c => c.LastShownAt < old).ExecuteUpdateAsync(set => set.SetProperty(c => c.ErasedAt, now), cancellationToken);
        // Those that nobody has used for a year, and no line is going to.
        await kept.Where(c => c.State == CreativeState.Draft || c.State == CreativeState.Ready || c.State == CreativeState.Approved)
            .Where(c => c.ChangedAt < old && (c.LastShownAt == null || c.LastShownAt < old))
            .Where(c => !db.LineCreatives.Any(shown => shown.CreativeId == c.Id && db.Lines.Any(l => l.Id == shown.LineId && l.EndsAt > now && l.Status != ConfiguredStatus.Archived)))
            .ExecuteUpdateAsync(set => set.SetProperty(c => c.ErasedAt, now).SetProperty(c => c.State, CreativeState.Withdrawn), cancellationToken);
    }

    private async Task ForgetAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var old = now - KeptFor;
        var refused = Refusals.Standing(db);
        var over = await db.Creatives.AsNoTracking().Where(c => c.ErasedAt != null && c.Container == null && (c.LastShownAt == null || c.LastShownAt < old))
            .Where(c => c.ChangedAt < old || !refused.Any(r => r.CreativeId == c.Id) || (c.LastShownAt == null && db.Advertisers.Any(a => a.Id == c.AdvertiserId && a.User == "")))
            .OrderBy(c => c.ErasedAt).Select(c => c.Id).Take(Most).ToListAsync(cancellationToken);
        await Attempts.EachAsync(over, async id =>
        {
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            await db.Creatives.Where(c => c.Id == id).ExecuteDeleteAsync(cancellationToken);
            await db.Reviews.Where(r => r.CreativeId == id).ExecuteDeleteAsync(cancellationToken);
            await db.LineCreatives.Where(c => c.CreativeId == id).ExecuteDeleteAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }, cancellationToken);
    }
}
