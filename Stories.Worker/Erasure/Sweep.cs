using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Core.Uploads;
using Stories.Worker.Keys;

namespace Stories.Worker.Erasure;

/// <summary>
/// Everything that is due by now, whatever was missed before: buckets, dead uploads, keys, lost work. Jobs only make it
/// sooner; without any of them this alone keeps the promises.
/// </summary>
public sealed class Sweep(
    StoriesDb db, IEraseBucket erase, IngestBlobs ingest, ProcessingKeyRing ring, UploadCommit commit, StoryWork work, IOptions<BucketOptions> options, TimeProvider clock, ILogger<Sweep> log) : ISweep
{
    private const int Most = 500;

    /// <summary>A job that was queued and not started for so long may have been lost; one more does no harm.</summary>
    private static readonly TimeSpan Requeue = TimeSpan.FromMinutes(5);

    /// <summary>The Api queues right after it accepts.</summary>
    private static readonly TimeSpan QueueGrace = TimeSpan.FromSeconds(10);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await ring.TurnAsync(cancellationToken);
        await EraseDueAsync(now, cancellationToken);
        await CommitReceivedAsync(now, cancellationToken);
        await RemoveUploadsAsync(now, cancellationToken);
        await RequeueLostAsync(now, cancellationToken);
        await db.Buckets.Where(b => b.State == BucketState.Erased && b.ErasedAt < now - options.Value.RecordKeptFor).ExecuteDeleteAsync(cancellationToken);
    }

    private async Task EraseDueAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var due = await db.Buckets.Where(b => b.EndsAt <= now && b.State != BucketState.Erased).OrderBy(b => b.EndsAt).Select(b => b.Id).ToListAsync(cancellationToken);
        foreach (var bucket in due)
        {
            try
            {
                await erase.RunAsync(bucket, cancellationToken);
            }
            catch (Exception e) when (e is Azure.RequestFailedException or DbUpdateException or Npgsql.NpgsqlException)
            {
                // One bucket that storage holds on to must not keep the others alive.
                log.LogError("Bucket {BucketId} could not be erased: {Trouble}. The next sweep tries again.", bucket, e.GetType().Name);
            }
        }
    }

    /// <summary>Uploads whose last bytes were acknowledged by a process that then died.</summary>
    private async Task CommitReceivedAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var received = await db.Uploads.Where(u => u.State == UploadState.Received && u.ExpiresAt > now).OrderBy(u => u.ExpiresAt).Select(u => u.Id).Take(Most).ToListAsync(cancellationToken);
        foreach (var upload in received) await commit.CommitAsync(upload, cancellationToken);
    }

    /// <summary>Rows after blobs; those of a story whose bytes are gone stay their day for the quota.</summary>
    private async Task RemoveUploadsAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var dead = await db.Uploads.AsNoTracking()
            .Where(u => u.ExpiresAt <= now && (u.State != UploadState.Consumed || u.BytesGoneAt != null))
            .OrderBy(u => u.ExpiresAt).Take(Most).ToListAsync(cancellationToken);
        foreach (var upload in dead)
        {
            if (upload.BytesGoneAt is null) await ingest.DeleteAsync(upload.BlobName, cancellationToken);
            await db.Uploads.Where(u => u.Id == upload.Id && (u.State != UploadState.Consumed || u.BytesGoneAt != null)).ExecuteDeleteAsync(cancellationToken);
        }
        var forgotten = await db.Uploads.AsNoTracking()
            .Where(u => u.State == UploadState.Consumed && u.BytesGoneAt == null && !db.Stories.Any(s => s.Id == u.StoryId && s.Work == WorkState.Pending))
            .OrderBy(u => u.ExpiresAt).Take(Most).ToListAsync(cancellationToken);
        foreach (var upload in forgotten)
        {
            await ingest.DeleteAsync(upload.BlobName, cancellationToken);
            await db.Uploads.Where(u => u.Id == upload.Id).ExecuteUpdateAsync(set => set.SetProperty(u => u.BytesGoneAt, now), cancellationToken);
        }
    }

    private async Task RequeueLostAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var lost = await db.Stories.AsNoTracking()
            .Where(s => s.Work == WorkState.Pending && (s.ClaimedUntil == null || s.ClaimedUntil <= now))
            .Where(s => s.EnqueuedAt == null ? s.AcceptedAt <= now - QueueGrace : s.EnqueuedAt <= now - Requeue || (s.ClaimedUntil != null && s.EnqueuedAt < s.ClaimedUntil))
            .OrderBy(s => s.AcceptedAt).Take(Most).Select(s => new { s.Id, s.Lane, s.WorkId }).ToListAsync(cancellationToken);
        foreach (var story in lost)
        {
            if (!work.Enqueue(story.Lane, story.WorkId)) return;
            await db.Stories.Where(s => s.Id == story.Id).ExecuteUpdateAsync(set => set.SetProperty(s => s.EnqueuedAt, now), cancellationToken);
        }
    }
}
