using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Stories.Core.Blobs;
using Stories.Core.Media;
using Stories.Worker.Media;

namespace Stories.Worker.Auditing;

/// <summary>Every place where anything of one story may be, and what is there: ids, states and sizes, no names.</summary>
internal sealed class TraceStory(AuditRows rows, BlobInventory inventory, IngestBlobs ingest, IOptions<MediaOptions> media)
{
    private const string Nothing = "nothing";

    public async Task<IReadOnlyList<(string Place, string What)>> RunAsync(Guid story, CancellationToken cancellationToken)
    {
        var places = new List<(string, string)>();
        var row = await FirstAsync(rows.ReadAsync("""
            select s.state, s.work, s.revision, s.expires_at, s.claimed_until, s.leaf, b.id, b.container
            from stories s left join buckets b on b.id = s.bucket_id where s.id = $1
            """, r => new StoryRow(r.GetString(0), r.GetString(1), r.GetInt32(2), r.GetFieldValue<DateTimeOffset>(3), AuditRows.Time(r, 4),
                (byte[])r[5], r.IsDBNull(6) ? null : r.GetGuid(6), r.IsDBNull(7) ? null : r.GetString(7)), cancellationToken, story));
        places.Add(("stories", row is null ? Nothing : $"{row.State}, work {row.Work}, revision {row.Revision}, ends {row.ExpiresAt:u}"));
        places.AddRange(await RenditionsAsync(story, row?.Container, cancellationToken));
        places.Add(("seen", Count(await rows.CountAsync("select count(*) from seen where story_id = $1", cancellationToken, story), "marks")));
        places.AddRange(await UploadsAsync(story, cancellationToken));
        places.AddRange(await BucketAsync(row, cancellationToken));
        places.Add(("erasure_leaves", row is { Bucket: { } bucket, Leaf.Length: > 0 } &&
            await rows.AnyAsync("select 1 from erasure_leaves where bucket_id = $1 and hash = $2", cancellationToken, bucket, SHA256.HashData(row.Leaf))
                ? "one hash, which leads nowhere once the story's row is gone" : Nothing));
        places.Add(("hangfire.job", Count(await rows.CountAsync(
            "select count(*) from hangfire.job where arguments::text ilike $1 or arguments::text ilike $2", cancellationToken, $"%{story}%", $"%{story:N}%"), "jobs that name it")));
        places.Add(("scratch (here)", Scratch(row)));
        return places;
    }

    private async Task<List<(string, string)>> RenditionsAsync(Guid story, string? container, CancellationToken cancellationToken)
    {
        var places = new List<(string, string)>();
        await foreach (var (part, blob) in rows.ReadAsync(
            "select part, blob_name from renditions where story_id = $1 order by part", r => (r.GetInt32(0), r.GetString(1)), cancellationToken, story))
        {
            places.Add(("renditions", $"part {part}"));
            var bytes = container is null ? null : await inventory.FindLengthAsync(container, blob, cancellationToken);
            places.Add(("  its blob", bytes is { } length ? $"{length} bytes" : Nothing));
        }
        return places.Count > 0 ? places : [("renditions", Nothing)];
    }

    private async Task<List<(string, string)>> UploadsAsync(Guid story, CancellationToken cancellationToken)
    {
        var places = new List<(string, string)>();
        var uploads = rows.ReadAsync("""
            select id, state, blob_name, (select count(*) from upload_blocks where upload_id = id) from uploads where story_id = $1 order by ordinal
            """, r => (r.GetGuid(0), r.GetString(1), r.GetString(2), r.GetInt64(3)), cancellationToken, story);
        await foreach (var (id, state, blob, blocks) in uploads)
        {
            places.Add(("uploads", $"{id}, {state}"));
            places.Add(("  upload_blocks", Count(blocks, "rows")));
            places.Add(("  ingest blob", await ingest.ExistsAsync(blob, cancellationToken) ? "there" : Nothing));
        }
        return places.Count > 0 ? places : [("uploads", Nothing)];
    }

    private async Task<List<(string, string)>> BucketAsync(StoryRow? row, CancellationToken cancellationToken)
    {
        if (row is not { Bucket: { } bucket, Container: { } container }) return [("bucket", Nothing)];
        var key = await inventory.FindLengthAsync(container, BlobNames.BucketKey, cancellationToken);
        return [("bucket", $"{bucket}, container {container}"), ("  its key", key is null ? Nothing : "there")];
    }

    /// <summary>A folder there is named by chance, so that it says nothing of what it is for.</summary>
    private string Scratch(StoryRow? row)
    {
        var rooms = ScratchRoom.FindAll(media.Value).ToList();
        var dead = rooms.Count(ScratchRoom.IsAbandoned);
        if (dead > 0) return $"{dead} folders of dead processes, which may be anybody's";
        return row is { Work: "Pending", ClaimedUntil: not null } ? "a worker has it" : Nothing;
    }

    private static string Count(long count, string what) => count == 0 ? Nothing : $"{count} {what}";

    private static async Task<T?> FirstAsync<T>(IAsyncEnumerable<T> list) where T : class
    {
        await foreach (var entry in list) return entry;
        return null;
    }

    private sealed record StoryRow(string State, string Work, int Revision, DateTimeOffset ExpiresAt, DateTimeOffset? ClaimedUntil, byte[] Leaf, Guid? Bucket, string? Container);
}
