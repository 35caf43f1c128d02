using Microsoft.EntityFrameworkCore;
using Stories.Core.Blobs;
using Stories.Core.Faults;
using Stories.Core.Uploads;

namespace Stories.Core.Data;

/// <summary>Deletes the bytes of one story before its bucket ends: after withdrawal, rejection, or when work gives up.</summary>
public sealed class StoryBlobs(StoriesDb db, IngestBlobs ingest, BucketBlobs buckets, TimeProvider clock)
{
    /// <summary>Repeatable. Rows go after their blobs, so that whatever is interrupted is found again.</summary>
    public async Task DeleteAsync(Guid story, CancellationToken cancellationToken)
    {
        var renditions = await (
            from rendition in db.Renditions
            join bucket in db.Buckets on rendition.BucketId equals bucket.Id
            where rendition.StoryId == story
            select new { bucket.Container, rendition.BlobName }).ToListAsync(cancellationToken);
        foreach (var rendition in renditions) await buckets.DeleteBlobAsync(rendition.Container, rendition.BlobName, cancellationToken);
        await db.Renditions.Where(r => r.StoryId == story).ExecuteDeleteAsync(cancellationToken);
        await DeleteUploadsAsync(story, cancellationToken);
    }

    public Task DeleteUploadsAsync(Guid story, CancellationToken cancellationToken) => DeleteUploadsAsync(db.Uploads.Where(u => u.StoryId == story), cancellationToken);

    /// <summary>The ciphertext as it was uploaded. The rows stay for a day: the daily quota counts them.</summary>
    public async Task DeleteUploadsAsync(IQueryable<Upload> uploads, CancellationToken cancellationToken)
    {
        await Attempts.EachAsync(await uploads.AsNoTracking().Where(u => u.BytesGoneAt == null).ToListAsync(cancellationToken), async upload =>
        {
            await ingest.DeleteAsync(upload.BlobName, cancellationToken);
            await db.Uploads.Where(u => u.Id == upload.Id).ExecuteUpdateAsync(set => set.SetProperty(u => u.BytesGoneAt, clock.GetUtcNow()), cancellationToken);
        }, cancellationToken);
    }
}
