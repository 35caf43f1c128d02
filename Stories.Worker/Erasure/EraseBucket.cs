using Microsoft.EntityFrameworkCore;
using Stories.Core;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Core.Jobs;

namespace Stories.Worker.Erasure;

/// <summary>
/// Seal, then rows, then the container with blobs and key, then look, then record. Every step can be repeated, by anybody, from
/// wherever another was cut off.
/// </summary>
public sealed class EraseBucket(StoriesDb db, BucketBlobs blobs, BucketKeys keys, StoryBlobs storyBlobs, TimeProvider clock, ILogger<EraseBucket> log) : IEraseBucket
{
    private const int Batch = 1000;

    public async Task RunAsync(Guid bucketId, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var bucket = await db.Buckets.AsNoTracking().SingleOrDefaultAsync(b => b.Id == bucketId, cancellationToken);
        if (bucket is null || bucket.State == BucketState.Erased || bucket.EndsAt > now) return;

        await SealAsync(bucket, now, cancellationToken);
        CrashPoints.Hit("erase:sealed");
        keys.Forget(bucket.Container);
        await DeleteRowsAsync(bucketId, cancellationToken);
        CrashPoints.Hit("erase:rows");
        await blobs.DeleteContainerAsync(bucket.Container, cancellationToken);
        CrashPoints.Hit("erase:container");
        if (await blobs.ContainerExistsAsync(bucket.Container, cancellationToken))
        {
            log.LogInformation("Bucket {BucketId}: storage is still deleting its container; the sweep looks again.", bucketId);
            return;
        }
        await db.Buckets.Where(b => b.Id == bucketId && b.State == BucketState.Sealed).ExecuteUpdateAsync(set => set
            .SetProperty(b => b.State, BucketState.Erased)
            .SetProperty(b => b.ErasedAt, clock.GetUtcNow()), cancellationToken);
    }

    /// <summary>After this nothing is added; what there is is counted once, in the same statement.</summary>
    private Task<int> SealAsync(Bucket bucket, DateTimeOffset now, CancellationToken cancellationToken) => db.Database.ExecuteSqlAsync($"""
        update buckets set state = 'Sealed', sealed_at = {now},
            stories = (select count(*) from stories where bucket_id = {bucket.Id}),
            blobs = (select count(*) from renditions where bucket_id = {bucket.Id}),
            bytes = (select coalesce(sum(length), 0) from renditions where bucket_id = {bucket.Id})
        where id = {bucket.Id} and state in ('Opening', 'Open')
        """, cancellationToken);

    private async Task DeleteRowsAsync(Guid bucketId, CancellationToken cancellationToken)
    {
        while (true)
        {
            var stories = await db.Stories.Where(s => s.BucketId == bucketId).OrderBy(s => s.Id).Select(s => s.Id).Take(Batch).ToListAsync(cancellationToken);
            if (stories.Count == 0) return;
            // What was still waiting to be processed lies outside the bucket's container.
            var waiting = await db.Uploads.Where(u => u.StoryId != null && stories.Contains(u.StoryId.Value) && u.BytesGoneAt == null).Select(u => u.StoryId!.Value).Distinct().ToListAsync(cancellationToken);
            foreach (var story in waiting) await storyBlobs.DeleteUploadsAsync(story, cancellationToken);
            await db.Uploads.Where(u => u.StoryId != null && stories.Contains(u.StoryId.Value)).ExecuteUpdateAsync(set => set.SetProperty(u => u.StoryId, (Guid?)null), cancellationToken);
            await db.Stories.Where(s => stories.Contains(s.Id)).ExecuteDeleteAsync(cancellationToken);
        }
    }
}
