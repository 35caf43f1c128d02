using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Posting;

/// <summary><c>GET /v1/stories/{id}/progress</c>: for the author only.</summary>
internal static class WatchProgress
{
    public static async Task<Results<Ok<StoryProgress>, ProblemHttpResult>> Handle(
        Guid id, Caller caller, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var story = await db.Stories.AsNoTracking().SingleOrDefaultAsync(
            s => s.Id == id && s.App == caller.Name.App && s.User == caller.Name.User && s.ExpiresAt > now, cancellationToken);
        return story is null ? Problems.Of(ProblemCodes.NotFound) : TypedResults.Ok(story.Progress);
    }
}
