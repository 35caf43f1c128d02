using Microsoft.EntityFrameworkCore;
using Stories.Core.Erasure;

namespace Stories.Core.Data;

/// <summary>For health, the log, metrics and operators: one answer to whether erasure keeps its promise.</summary>
public sealed class OverdueBuckets(StoriesDb db)
{
    /// <returns>Oldest first.</returns>
    public IQueryable<Bucket> At(DateTimeOffset now)
    {
        var due = now - Overdue.After;
        return db.Buckets.AsNoTracking().Where(b => b.State != BucketState.Erased && b.EndsAt <= due).OrderBy(b => b.EndsAt);
    }

    public async Task<Overdue> FindAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var late = await At(now).Select(b => new { b.Id, b.EndsAt }).ToListAsync(cancellationToken);
        return new Overdue([.. late.Select(b => b.Id)], late.Count > 0 ? now - late[0].EndsAt : TimeSpan.Zero);
    }
}
