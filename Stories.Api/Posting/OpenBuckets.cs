using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Protocol;

namespace Stories.Api.Posting;

/// <summary>
/// Finds the bucket for an end of life, and opens it on first use: row, then container with its key, then open for stories.
/// Every step can be repeated by another process that finds the one before done.
/// </summary>
internal sealed class OpenBuckets(StoriesDb db, BucketKeys keys, StoryWork work, IOptions<BucketOptions> buckets, IOptions<BlobOptions> blobs, TimeProvider clock)
{
    /// <returns>Null when the bucket has already been sealed.</returns>
    public async Task<Bucket?> ForAsync(DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        var endsAt = Bucket.EndFor(expiresAt, buckets.Value.Width);
        var bucket = await FindAsync(endsAt, cancellationToken) ?? await AddAsync(endsAt, cancellationToken);
        if (bucket.State == BucketState.Opening)
        {
            await keys.CreateAsync(bucket, cancellationToken);
            await db.Buckets.Where(b => b.Id == bucket.Id && b.State == BucketState.Opening)
                .ExecuteUpdateAsync(set => set.SetProperty(b => b.State, BucketState.Open), cancellationToken);
            return bucket;
        }
        return bucket.State == BucketState.Open ? bucket : null;
    }

    /// <returns>Null for a story that was accepted by a version without records.</returns>
    public ErasureTicket? Ticket(Story story) => story.Leaf.Length > 0 ? new ErasureTicket(blobs.Value.Deployment, story.BucketId, story.Leaf) : null;

    private Task<Bucket?> FindAsync(DateTimeOffset endsAt, CancellationToken cancellationToken) =>
        db.Buckets.AsNoTracking().SingleOrDefaultAsync(b => b.EndsAt == endsAt, cancellationToken);

    private async Task<Bucket> AddAsync(DateTimeOffset endsAt, CancellationToken cancellationToken)
    {
        var bucket = Bucket.Open(Guid.NewGuid(), endsAt, BlobNames.Bucket(blobs.Value.Deployment, endsAt), clock.GetUtcNow());
        var added = await db.Database.ExecuteSqlAsync($"""
            insert into buckets (id, ends_at, container, state, opened_at, stories, blobs, bytes)
            values ({bucket.Id}, {bucket.EndsAt}, {bucket.Container}, 'Opening', {bucket.OpenedAt}, 0, 0, 0)
            on conflict (ends_at) do nothing
            """, cancellationToken);
        if (added == 0) return (await FindAsync(endsAt, cancellationToken))!;
        await work.ScheduleErasureAsync(bucket);
        return bucket;
    }
}
