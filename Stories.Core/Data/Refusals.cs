using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Data;

/// <summary>What reviewers said last, where that was no.</summary>
public static class Refusals
{
    public static IQueryable<Review> Standing(StoriesDb db) =>
        db.Reviews.Where(r => r.Decision != null && r.Decision != ReviewDecision.Approve && !db.Reviews.Any(later => later.CreativeId == r.CreativeId && later.Decision != null && later.At > r.At));
}
