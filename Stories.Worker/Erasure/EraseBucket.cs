using Microsoft.EntityFrameworkCore;
using Npgsql;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Core.Faults;
using Stories.Core.Jobs;

namespace Stories.Worker.Erasure;

/// <summary>
/// Seal, then rows, then the key, then the container with its blobs, then what of uploads is left, then look, then record. Every step
/// can be repeated, by anybody, from wherever another was cut off.
/// </summary>
public sealed class EraseBucket(
    StoriesDb db, NpgsqlDataSource database, BucketBlobs blobs, BucketKeys keys, StoryBlobs storyBlobs, RecordErasure record, TimeProvider clock, ILogger<EraseBucket> log) : IEraseBucket
{
    /// <summary>Batches cost nothing extra, and hold row locks for milliseconds.</summary>
    private const int Batch = 1000;

    public async Task RunAsync(Guid bucketId, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var bucket = await db.Buckets.AsNoTracking().SingleOrDefaultAsync(b => b.Id == bucketId, cancellationToken);
        if (bucket is null || bucket.State == BucketState.Erased || bucket.EndsAt > now) return;

        // Two at once would do no harm but work twice, and may make each other wait for rows.
        await using var turn = await AdvisoryLock.TryTakeAsync(database, $"erase {bucketId:N}", cancellationToken);
        if (turn is null) return;

        CrashPoints.Hit("erase:claimed");
        await SealAsync(bucketId, now, cancellationToken);
        CrashPoints.Hit("erase:sealed");
        await DeleteRowsAsync(bucketId, cancellationToken);
        CrashPoints.Hit("erase:rows");
        await DeleteBytesAsync(bucket.Container, cancellationToken);
        CrashPoints.Hit("erase:container");
        await DeleteUploadsAsync(bucketId, cancellationToken);
        if (await blobs.ContainerExistsAsync(bucket.Container, cancellationToken))
        {
            log.LogInformation("Bucket {BucketId}: storage is still deleting its container; the sweep looks again.", bucketId);
            return;
        }
        CrashPoints.Hit("erase:looked");
        await record.RunAsync(bucket, cancellationToken);
    }

    /// <summary>After this nothing is added. What there is is counted in the same transaction, so that a crash in the middle of deleting leaves the record right.</summary>
    internal async Task SealAsync(Guid bucketId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var isSealed = await db.Buckets
            .Where(b => b.Id == bucketId && (b.State == BucketState.Opening || b.State == BucketState.Open))
            .ExecuteUpdateAsync(set => set.SetProperty(b => b.State, BucketState.Sealed).SetProperty(b => b.SealedAt, now), cancellationToken);
        if (isSealed > 0)
        {
            // A statement of its own: the one above may have waited for a publication, which its snapshot does not show. Leaves count all
            // stories that there were: rows of some may have gone before.
            await db.Database.ExecuteSqlAsync($"""
                update buckets set
                    stories = (select count(*) from erasure_leaves where bucket_id = {bucketId}),
                    blobs = (select count(*) from renditions where bucket_id = {bucketId}),
                    bytes = (select coalesce(sum(length), 0) from renditions where bucket_id = {bucketId})
                where id = {bucketId}
                """, cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
    }

    internal async Task DeleteRowsAsync(Guid bucketId, CancellationToken cancellationToken)
    {
        while (true)
        {
            var stories = await db.Stories.Where(s => s.BucketId == bucketId).OrderBy(s => s.Id).Select(s => s.Id).Take(Batch).ToListAsync(cancellationToken);
            if (stories.Count == 0) return;
            CrashPoints.Hit("erase:batch");
            await db.Stories.Where(s => stories.Contains(s.Id)).ExecuteDeleteAsync(cancellationToken);
        }
    }

    /// <summary>The key by itself first: a container that something holds on to (a lease, a legal hold) then holds only noise.</summary>
    internal async Task DeleteBytesAsync(string container, CancellationToken cancellationToken)
    {
        keys.Forget(container);
        await blobs.DeleteBlobAsync(container, BlobNames.BucketKey, cancellationToken);
        CrashPoints.Hit("erase:key");
        await blobs.DeleteContainerAsync(container, cancellationToken);
    }

    /// <summary>
    /// What was still waiting to be processed lies outside the container. After it, so that an upload that storage holds on to keeps
    /// nothing else; before the record, which says that all is gone.
    /// </summary>
    private async Task DeleteUploadsAsync(Guid bucketId, CancellationToken cancellationToken)
    {
        var uploads = db.Uploads.Where(u => u.BucketId == bucketId);
        await storyBlobs.DeleteUploadsAsync(uploads, cancellationToken);
        // The quota goes on counting them until they are a day old, and nothing says any more of what.
        await uploads.ExecuteUpdateAsync(set => set.SetProperty(u => u.StoryId, (Guid?)null).SetProperty(u => u.BucketId, (Guid?)null), cancellationToken);
    }
}
