using Stories.Core.Erasure;

namespace Stories.Core.Data;

/// <summary>The buckets of which something is left for longer than we promise, for whoever shows or counts them.</summary>
public static class OverdueBuckets
{
    /// <summary>While all is well, everything is gone within a bucket's width and this.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(1);

    /// <returns>Oldest first.</returns>
    public static IQueryable<Bucket> Overdue(this IQueryable<Bucket> buckets, BucketOptions options, DateTimeOffset now)
    {
        var due = now - options.Width - Grace;
        return buckets.Where(b => b.State != BucketState.Erased && b.EndsAt <= due).OrderBy(b => b.EndsAt);
    }
}
