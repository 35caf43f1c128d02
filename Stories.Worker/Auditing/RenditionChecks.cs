using System.Runtime.CompilerServices;
using Stories.Core.Blobs;

namespace Stories.Worker.Auditing;

/// <summary>The blobs of each open bucket against its rows, both ways.</summary>
internal sealed class RenditionChecks(AuditRows rows, BlobInventory inventory, BucketBlobs blobs)
{
    /// <summary>Storage tells its own time.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(1);

    /// <summary>What a killed worker had stored and not yet published.</summary>
    public async IAsyncEnumerable<Finding> BlobsOfNobodyAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (bucket, blob, row) in CompareAsync(cancellationToken))
        {
            if (blob is null || blob.Name == BlobNames.BucketKey) continue;
            look.Count++;
            if (row is not null || look.IsYoung(blob.WrittenAt) || await MayBeSomebodysAsync(bucket, blob, cancellationToken)) continue;
            yield return new Finding($"{bucket.Container}/{blob.Name}", blob.WrittenAt, async cancel =>
            {
                if (await MayBeSomebodysAsync(bucket, blob, cancel)) return false;
                await blobs.DeleteBlobAsync(bucket.Container, blob.Name, cancel);
                return true;
            });
        }
    }

    /// <summary>Viewers are handed a URL that leads nowhere: without the row they are shown the other sizes, and no more of this one.</summary>
    public async IAsyncEnumerable<Finding> WithoutBlobAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (bucket, blob, row) in CompareAsync(cancellationToken))
        {
            if (row is null) continue;
            look.Count++;
            if (blob is not null || !await IsMissingAsync(bucket, row, cancellationToken)) continue;
            yield return new Finding($"{bucket.Container}/{row.Blob}", null, async cancel =>
                await IsMissingAsync(bucket, row, cancel) &&
                await rows.ChangeAsync("delete from renditions where story_id = $1 and part = $2 and blob_name = $3", cancel, row.Story, row.Part, row.Blob));
        }
    }

    /// <summary>A bucket whose container or key is gone is another check's.</summary>
    private async IAsyncEnumerable<(BucketRow Bucket, StoredBlob? Blob, RenditionRow? Row)> CompareAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var bucket in rows.ReadAsync(
            "select id, container from buckets where state = 'Open'", row => new BucketRow(row.GetGuid(0), row.GetString(1)), cancellationToken))
        {
            if (await inventory.FindLengthAsync(bucket.Container, BlobNames.BucketKey, cancellationToken) is null) continue;
            // In bytes' order, as storage lists.
            var renditions = rows.ReadAsync(
                """select story_id, part, blob_name from renditions where bucket_id = $1 order by blob_name collate "C" """,
                row => new RenditionRow(row.GetGuid(0), row.GetInt32(1), row.GetString(2)), cancellationToken, bucket.Id);
            await foreach (var (blob, row) in SideBySide.ByName(inventory.BlobsAsync(bucket.Container, cancellationToken), b => b.Name, renditions, r => r.Blob, cancellationToken))
                yield return (bucket, blob, row);
        }
    }

    /// <summary>
    /// A blob is written before its row. So one without may be the output of work that is still being done, and had begun when the
    /// blob was written, however long that takes.
    /// </summary>
    private Task<bool> MayBeSomebodysAsync(BucketRow bucket, StoredBlob blob, CancellationToken cancellationToken) => rows.AnyAsync("""
        select 1 from renditions where bucket_id = $1 and blob_name = $2
        union all
        select 1 from stories where bucket_id = $1 and work = 'Pending' and started_at <= $3
        """, cancellationToken, bucket.Id, blob.Name, (blob.WrittenAt ?? DateTimeOffset.MaxValue - ClockTolerance) + ClockTolerance);

    private async Task<bool> IsMissingAsync(BucketRow bucket, RenditionRow row, CancellationToken cancellationToken) =>
        await inventory.FindLengthAsync(bucket.Container, row.Blob, cancellationToken) is null &&
        await rows.AnyAsync("""
            select 1 from renditions r join buckets b on b.id = r.bucket_id
            where r.story_id = $1 and r.part = $2 and r.blob_name = $3 and b.state = 'Open'
            """, cancellationToken, row.Story, row.Part, row.Blob);

    private sealed record BucketRow(Guid Id, string Container);

    private sealed record RenditionRow(Guid Story, int Part, string Blob);
}
