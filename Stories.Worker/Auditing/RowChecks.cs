using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Jobs;

namespace Stories.Worker.Auditing;

/// <summary>Rows that should have gone with something.</summary>
internal sealed class RowChecks(AuditRows rows, OverdueBuckets overdue, IEraseBucket erase, StoryBlobs storyBlobs)
{
    /// <summary>The sweep goes on with one for 20 s each time; only an app with very much in it takes so long.</summary>
    private static readonly TimeSpan DepartureLimit = TimeSpan.FromHours(1);

    public async IAsyncEnumerable<Finding> OverdueBucketsAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        look.Count = await rows.CountAsync("select count(*) from buckets where state <> 'Erased'", cancellationToken);
        foreach (var late in await overdue.At(look.Now).Select(b => new { b.Id, b.EndsAt }).ToListAsync(cancellationToken))
        {
            yield return new Finding($"bucket {late.Id}", late.EndsAt, async cancel =>
            {
                await erase.RunAsync(late.Id, cancel);
                return await rows.AnyAsync("select 1 from buckets where id = $1 and state = 'Erased'", cancel, late.Id);
            });
        }
    }

    public async IAsyncEnumerable<Finding> OfNoBucketAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        look.Count = await rows.CountAsync("select (select count(*) from stories) + (select count(*) from renditions) + (select count(*) from seen)", cancellationToken);
        // Those of a story go with it.
        await foreach (var (story, work, since) in rows.ReadAsync("""
            select s.id, s.work_id, b.erased_at from stories s left join buckets b on b.id = s.bucket_id where b.id is null or b.state = 'Erased'
            """, row => (row.GetGuid(0), row.GetGuid(1), AuditRows.Time(row, 2)), cancellationToken))
            yield return new Finding($"work {work}", since, cancel => DeleteStoryAsync(story, cancel));
        foreach (var table in (string[])["renditions", "seen"])
        {
            await foreach (var (story, work) in rows.ReadAsync($"""
                select distinct s.id, s.work_id from {table} t join stories s on s.id = t.story_id where t.bucket_id <> s.bucket_id
                """, row => (row.GetGuid(0), row.GetGuid(1)), cancellationToken))
            {
                yield return new Finding($"{table} of work {work}", null, cancel => rows.ChangeAsync(
                    $"delete from {table} t using stories s where s.id = t.story_id and t.story_id = $1 and t.bucket_id <> s.bucket_id", cancel, story));
            }
        }
    }

    /// <summary>An upload's row stays a day for the quota, and says no more of what.</summary>
    public async IAsyncEnumerable<Finding> UploadsOfNoStoryAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        look.Count = await rows.CountAsync("select count(*) from uploads where story_id is not null", cancellationToken);
        await foreach (var (upload, story) in rows.ReadAsync(
            "select id, story_id from uploads u where story_id is not null and not exists (select 1 from stories s where s.id = u.story_id)",
            row => (row.GetGuid(0), row.GetGuid(1)), cancellationToken))
        {
            yield return new Finding($"upload {upload}", null, async cancel =>
            {
                if (await rows.AnyAsync("select 1 from stories where id = $1", cancel, story)) return false;
                await storyBlobs.DeleteUploadsAsync(story, cancel);
                return await rows.ChangeAsync("update uploads set story_id = null, bucket_id = null where id = $1", cancel, upload);
            });
        }
    }

    /// <summary>Only told of: the sweep has been trying all the while, and the log says what keeps it.</summary>
    public async IAsyncEnumerable<Finding> DeparturesAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        look.Count = await rows.CountAsync("select count(*) from departures", cancellationToken);
        await foreach (var (id, askedAt) in rows.ReadAsync(
            "select id, asked_at from departures where asked_at < $1", row => (row.GetGuid(0), row.GetFieldValue<DateTimeOffset>(1)), cancellationToken, look.Now - DepartureLimit))
            yield return new Finding($"departure {id}", askedAt);
    }

    private async Task<bool> DeleteStoryAsync(Guid story, CancellationToken cancellationToken)
    {
        await storyBlobs.DeleteUploadsAsync(story, cancellationToken);
        await rows.ChangeAsync("update uploads set story_id = null, bucket_id = null where story_id = $1", cancellationToken, story);
        return await rows.ChangeAsync("""
            delete from stories s where s.id = $1 and not exists (select 1 from buckets b where b.id = s.bucket_id and b.state <> 'Erased')
            """, cancellationToken, story);
    }
}
