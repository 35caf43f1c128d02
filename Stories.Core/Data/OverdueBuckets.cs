using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Stories.Core.Erasure;

namespace Stories.Core.Data;

/// <summary>For health, the log and metrics: one answer to whether erasure keeps its promise.</summary>
public sealed class OverdueBuckets(StoriesDb db, IOptions<BucketOptions> options)
{
    public async Task<Overdue> FindAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var late = await db.Buckets
            .Where(b => b.EndsAt < now - options.Value.OverdueAfter && b.State != BucketState.Erased)
            .OrderBy(b => b.EndsAt).Select(b => new { b.Id, b.EndsAt }).ToListAsync(cancellationToken);
        return new Overdue([.. late.Select(b => b.Id)], late.Count > 0 ? now - late[0].EndsAt : TimeSpan.Zero);
    }
}
