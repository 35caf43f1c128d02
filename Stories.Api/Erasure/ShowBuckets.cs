using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Erasure;

/// <summary><c>GET /v1/buckets</c>: what is due when and what was erased, for operators; no word of whose it was.</summary>
internal static class ShowBuckets
{
    private const int MostOfEach = 200;

    // What is to be erased, overdue ones first; then what was, the last first.
    public static async Task<Ok<BucketList>> HandleAll(StoriesDb db, CancellationToken cancellationToken)
    {
        var buckets = db.Buckets.AsNoTracking();
        var due = await buckets.Where(b => b.State != BucketState.Erased).OrderBy(b => b.EndsAt).Take(MostOfEach).ToListAsync(cancellationToken);
        var erased = await buckets.Where(b => b.State == BucketState.Erased).OrderByDescending(b => b.EndsAt).Take(MostOfEach).ToListAsync(cancellationToken);
        return TypedResults.Ok(new BucketList([.. due.Concat(erased).Select(b => View(b))]));
    }

    /// <summary>One bucket, with a look at what is really left of it.</summary>
    public static async Task<Results<Ok<BucketView>, ProblemHttpResult>> Handle(Guid id, StoriesDb db, BucketBlobs blobs, CancellationToken cancellationToken)
    {
        if (await db.Buckets.AsNoTracking().SingleOrDefaultAsync(b => b.Id == id, cancellationToken) is not { } bucket) return Problems.Of(ProblemCodes.NotFound);
        var left = new BucketLeft(await db.Stories.CountAsync(s => s.BucketId == id, cancellationToken), await blobs.ContainerExistsAsync(bucket.Container, cancellationToken));
        return TypedResults.Ok(View(bucket, left));
    }

    private static BucketView View(Bucket bucket, BucketLeft? left = null) => new(
        bucket.Id, bucket.EndsAt, BucketWords.Of(bucket.State), bucket.SealedAt, bucket.ErasedAt, bucket.Lag?.TotalSeconds, bucket.Stories, bucket.Blobs, bucket.Bytes, left);
}
