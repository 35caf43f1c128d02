using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Core.Faults;
using Stories.Core.Jobs;

namespace Stories.Worker.Erasure;

/// <summary>
/// Erases what is due so that a bucket that cannot be erased holds up none that can: those that were never tried come first,
/// several at once, none for long; and when failures have cost enough the rest waits for the next sweep, in another order.
/// Nothing is remembered between sweeps but the rows, and no bucket rests: the first sweep after an outage erases all.
/// </summary>
public sealed class EraseDueBuckets(StoriesDb db, IServiceScopeFactory scopes, OverdueBuckets overdue, ErasureTrouble trouble, ILogger<EraseDueBuckets> log)
{
    private const int AtOnce = 4;

    /// <summary>One whose deletion hangs. What was done of it stays done, so that a large one goes on from there.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    /// <summary>Of failures, all together. With the above and the time between sweeps it stays below the minute within which a bucket is to be gone.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public async Task RunAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Whoever has tried a bucket has sealed it.
        var due = await db.Buckets
            .Where(b => b.EndsAt <= now && b.State != BucketState.Erased)
            .OrderBy(b => b.State == BucketState.Sealed).ThenBy(b => b.State == BucketState.Sealed ? EF.Functions.Random() : 0).ThenBy(b => b.EndsAt)
            .Select(b => b.Id).ToListAsync(cancellationToken);
        if (due.Count == 0) return;

        var failed = new ConcurrentDictionary<Guid, string>();
        var lost = 0L;
        await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (bucket, stopping) =>
        {
            if (Interlocked.Read(ref lost) > Patience.Ticks) return;
            var begin = TimeProvider.System.GetTimestamp();
            if (await TryAsync(bucket, stopping) is not { } code)
            {
                trouble.Forget(bucket);
                return;
            }
            trouble.Note(bucket, failed[bucket] = code);
            Interlocked.Add(ref lost, TimeProvider.System.GetElapsedTime(begin).Ticks);
        });
        trouble.ForgetAllBut(due.ToHashSet());
        await TellAsync(failed, now, cancellationToken);
    }

    /// <returns>Null when nothing went wrong; what did otherwise.</returns>
    private async Task<string?> TryAsync(Guid bucket, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(Longest);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<IEraseBucket>().RunAsync(bucket, limit.Token);
            return null;
        }
        catch (Exception) when (limit.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            return $"no answer within {Longest.TotalSeconds} s";
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            return Trouble.Of(e);
        }
    }

    /// <summary>A line for each kind of trouble, and one that is an alarm: an outage must not fill the log with buckets.</summary>
    private async Task TellAsync(IReadOnlyDictionary<Guid, string> failed, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var kind in failed.GroupBy(f => f.Value, f => f.Key))
            log.LogWarning("{Count} due buckets could not be erased, {BucketId} among them: {Trouble}. The next sweep tries again.", kind.Count(), kind.First(), kind.Key);
        var late = await overdue.FindAsync(now, cancellationToken);
        if (late.Buckets.Count > 0)
            log.LogError("{Count} buckets are overdue, {BucketId} by {By}: {Trouble}. See docs/operations.md, Erasure.", late.Buckets.Count, late.Buckets[0], late.By, trouble.Of(late.Buckets));
    }
}
