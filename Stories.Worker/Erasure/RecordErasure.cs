using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Core.Faults;
using Stories.Protocol;
using Stories.Worker.Keys;

namespace Stories.Worker.Erasure;

/// <summary>The last step of erasing a bucket, once nothing is left of it: signs what was erased, and lets go of the leaves.</summary>
public sealed class RecordErasure(StoriesDb db, ServiceSigner signer, IOptions<BlobOptions> blobs, ErasureMetrics metrics, TimeProvider clock)
{
    /// <summary>One transaction, so that there is one record or none; whoever comes second finds it made.</summary>
    public async Task RunAsync(Bucket bucket, CancellationToken cancellationToken)
    {
        // The database's clock may have been set back since the bucket was found to be due, and nobody takes a record that says so.
        var erasedAt = clock.GetUtcNow() is var now && now > bucket.EndsAt ? now : bucket.EndsAt;
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var isErased = await db.Buckets.Where(b => b.Id == bucket.Id && b.State == BucketState.Sealed).ExecuteUpdateAsync(set => set
            .SetProperty(b => b.State, BucketState.Erased)
            .SetProperty(b => b.ErasedAt, erasedAt), cancellationToken);
        if (isErased == 0) return;

        // As counted when it was sealed.
        var erased = await db.Buckets.AsNoTracking().SingleAsync(b => b.Id == bucket.Id, cancellationToken);
        var signed = StoriesJson.Write(signer.Sign(SignaturePurpose.ErasureRecord, StoriesJson.Write(await WriteAsync(erased, cancellationToken))));
        await db.Database.ExecuteSqlAsync($"insert into erasure_records (bucket_id, bytes) values ({bucket.Id}, {signed})", cancellationToken);
        await db.ErasureLeaves.Where(l => l.BucketId == bucket.Id).ExecuteDeleteAsync(cancellationToken);
        CrashPoints.Hit("erase:signed");
        await transaction.CommitAsync(cancellationToken);
        metrics.Count(erased);
    }

    private async Task<Protocol.ErasureRecord> WriteAsync(Bucket bucket, CancellationToken cancellationToken)
    {
        var hashes = await db.ErasureLeaves.Where(l => l.BucketId == bucket.Id).OrderBy(l => l.Hash).Select(l => l.Hash).ToListAsync(cancellationToken);
        return new Protocol.ErasureRecord(
            blobs.Value.Deployment, bucket.Id, bucket.EndsAt.ToUnixTimeMilliseconds(), bucket.ErasedAt!.Value.ToUnixTimeMilliseconds(),
            hashes.Count, bucket.Blobs, bucket.Bytes, [.. hashes.Select(Convert.ToHexStringLower)]);
    }
}
