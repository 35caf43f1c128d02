using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Protocol.Contracts;

namespace Stories.Api.Erasure;

/// <summary><c>GET /v1/erasures</c>: how long erasure took, and what is overdue, for operators.</summary>
internal static class ShowErasures
{
    private const int MostOverdue = 200;

    public static async Task<Ok<ErasureView>> Handle(StoriesDb db, OverdueBuckets overdue, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var late = await overdue.At(now).Take(MostOverdue).ToListAsync(cancellationToken);
        return TypedResults.Ok(new ErasureView(
            await FiguresAsync(db, now - TimeSpan.FromDays(1), cancellationToken),
            await FiguresAsync(db, now - TimeSpan.FromDays(90), cancellationToken),
            [.. late.Select(b => new OverdueBucket(b.Id, b.EndsAt, BucketWords.Of(b.State), (now - b.EndsAt).TotalSeconds))]));
    }

    private static async Task<ErasureFigures> FiguresAsync(StoriesDb db, DateTimeOffset since, CancellationToken cancellationToken) =>
        (await db.Database.SqlQuery<ErasureFigures>($"""
            select count(*)::int as "Buckets", coalesce(sum(stories), 0)::bigint as "Stories", coalesce(sum(blobs), 0)::bigint as "Blobs", coalesce(sum(bytes), 0)::bigint as "Bytes",
                percentile_cont(0.5) within group (order by lag) as "LagP50", percentile_cont(0.99) within group (order by lag) as "LagP99", max(lag) as "LagMax"
            from (select stories, blobs, bytes, extract(epoch from erased_at - ends_at)::float8 as lag from buckets where erased_at > {since}) as erased
            """).ToListAsync(cancellationToken)).Single();
}

/// <summary>A bucket's state as it stands in answers.</summary>
internal static class BucketWords
{
    public static string Of(BucketState state) => state.ToString().ToLowerInvariant();
}
