using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Core.Faults;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Core.Uploads;
using Stories.Protocol;
using Stories.Protocol.Sponsored;
using Stories.Worker.Keys;

namespace Stories.Worker.Erasure;

/// <summary>
/// Everything that is due by now, whatever was missed before: buckets, dead uploads, keys, lost work. Jobs only make it
/// sooner; without any of them this alone keeps the promises.
/// </summary>
public sealed class Sweep(
    StoriesDb db, NpgsqlDataSource database, EraseDueBuckets erase, IngestBlobs ingest, ProcessingKeyRing ring, UploadCommit commit, StoryWork work, QueuedTurns turns,
    EraseDeparted departed, EndStories ends, IOptions<BucketOptions> options, IOptions<TakedownOptions> takedowns, TimeProvider clock, ILogger<Sweep> log) : ISweep
{
    private const int Most = 500;

    private static readonly TimeSpan DeparturesAtOnce = TimeSpan.FromSeconds(20);

    /// <summary>The Api queues right after it accepts.</summary>
    private static readonly TimeSpan QueueGrace = TimeSpan.FromSeconds(10);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // The timers of all workers and Hangfire's recurring job come here: one of them does the work.
        await using var turn = await AdvisoryLock.TryTakeAsync(database, "sweep", cancellationToken);
        if (turn is null) return;
        var now = clock.GetUtcNow();
        await TryAsync("erase due buckets", () => erase.RunAsync(now, cancellationToken), cancellationToken);
        await TryAsync("remove what ended stories left", () => RemoveLeftAsync(cancellationToken), cancellationToken);
        await TryAsync("turn the key ring", () => ring.TurnAsync(cancellationToken), cancellationToken);
        await TryAsync("pick up lost work", () => RequeueLostAsync(now, cancellationToken), cancellationToken);
        await TryAsync("commit received uploads", () => CommitReceivedAsync(now, cancellationToken), cancellationToken);
        await TryAsync("remove expired uploads", () => RemoveExpiredAsync(now, cancellationToken), cancellationToken);
        await TryAsync("remove forgotten bytes", () => RemoveForgottenAsync(now, cancellationToken), cancellationToken);
        await TryAsync("finish departures", () => FinishDeparturesAsync(cancellationToken), cancellationToken);
        await TryAsync("drop old records", () => db.Buckets
            .Where(b => b.State == BucketState.Erased && b.ErasedAt < now - options.Value.RecordKeptFor).ExecuteDeleteAsync(cancellationToken), cancellationToken);
        await TryAsync("drop old takedowns", () => db.Takedowns
            .Where(t => t.At < now - takedowns.Value.KeptFor).ExecuteDeleteAsync(cancellationToken), cancellationToken);
    }

    /// <summary>Trouble with one duty must not keep the others from being done: erasure does not wait for a key folder.</summary>
    private async Task TryAsync(string duty, Func<Task> doAsync, CancellationToken cancellationToken)
    {
        try
        {
            await doAsync();
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogError("The sweep could not {Duty}: {Trouble}. The next one tries again.", duty, Trouble.Of(e));
        }
    }

    /// <summary>Users and apps whose erasure was cut off. An app may take long: the next sweep goes on, so that buckets and keys do not wait for it.</summary>
    private async Task FinishDeparturesAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(DeparturesAtOnce);
        foreach (var departure in await db.Departures.AsNoTracking().OrderBy(_ => EF.Functions.Random()).ToListAsync(cancellationToken))
        {
            try
            {
                await departed.GoOnAsync(departure, limit.Token);
            }
            catch (Exception) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                log.LogInformation("Departure {DepartureId} goes on with the next sweep.", departure.Id);
                return;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                log.LogError("The sweep could not finish departure {DepartureId}: {Trouble}. The next one tries again.", departure.Id, Trouble.Of(e));
            }
        }
    }

    /// <summary>Stories that somebody ended and was killed before the bytes were gone.</summary>
    private async Task RemoveLeftAsync(CancellationToken cancellationToken) =>
        await Attempts.EachAsync(await ends.FindLeftAsync(Most, cancellationToken), story => ends.RemoveAsync(story, cancellationToken), cancellationToken);

    /// <summary>Uploads whose last bytes were acknowledged by a process that then died.</summary>
    private async Task CommitReceivedAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var received = await db.Uploads.Where(u => u.State == UploadState.Received && u.ExpiresAt > now).OrderBy(_ => EF.Functions.Random()).Select(u => u.Id).Take(Most).ToListAsync(cancellationToken);
        await Attempts.EachAsync(received, upload => commit.CommitAsync(upload, cancellationToken), cancellationToken);
    }

    /// <summary>Blobs before rows; those of a story that still waits are the story's, however long it takes.</summary>
    private async Task RemoveExpiredAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var dead = await db.Uploads.AsNoTracking()
            .Where(u => u.ExpiresAt <= now && (u.State != UploadState.Consumed || u.BytesGoneAt != null))
            .OrderBy(_ => EF.Functions.Random()).Take(Most).ToListAsync(cancellationToken);
        await Attempts.EachAsync(dead, async upload =>
        {
            if (upload.BytesGoneAt is null) await ingest.DeleteAsync(upload.BlobName, cancellationToken);
            await db.Uploads.Where(u => u.Id == upload.Id && (u.State != UploadState.Consumed || u.BytesGoneAt != null)).ExecuteDeleteAsync(cancellationToken);
        }, cancellationToken);
    }

    /// <summary>Input of work that ended in a process that was killed before it could delete it.</summary>
    private async Task RemoveForgottenAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var forgotten = await db.Uploads.AsNoTracking()
            .Where(u => u.State == UploadState.Consumed && u.BytesGoneAt == null && !db.Stories.Any(s => s.Id == u.StoryId && s.Work == WorkState.Pending) &&
                !db.Creatives.Any(c => c.UploadId == u.Id && c.State == CreativeState.Processing))
            .OrderBy(_ => EF.Functions.Random()).Take(Most).ToListAsync(cancellationToken);
        await Attempts.EachAsync(forgotten, async upload =>
        {
            await ingest.DeleteAsync(upload.BlobName, cancellationToken);
            await db.Uploads.Where(u => u.Id == upload.Id).ExecuteUpdateAsync(set => set.SetProperty(u => u.BytesGoneAt, now), cancellationToken);
        }, cancellationToken);
    }

    /// <summary>Whatever became of their turns (never queued, passed over, begun by a worker that died): as many as stories wait, and no more.</summary>
    private async Task RequeueLostAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var lane in Enum.GetValues<Lane>())
        {
            var waiting = await db.Stories.CountAsync(
                s => s.Lane == lane && s.Work == WorkState.Pending && s.AcceptedAt <= now - QueueGrace && (s.ClaimedUntil == null || s.ClaimedUntil <= now), cancellationToken);
            if (waiting == 0) continue;
            for (var missing = Math.Min(Most, waiting - turns.Count(lane)); missing > 0; missing--)
                if (!await work.EnqueueTurnAsync(lane)) return;
        }
    }
}
