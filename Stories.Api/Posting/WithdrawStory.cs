using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Protocol;

namespace Stories.Api.Posting;

/// <summary>
/// <c>DELETE /v1/stories/{id}</c>: gone for viewers at once, and its bytes with it. An empty row stays until the bucket's end,
/// so that a late repetition of the publish does not bring it back.
/// </summary>
internal static class WithdrawStory
{
    public static async Task<Results<NoContent, ProblemHttpResult>> Handle(
        Guid id, Caller caller, StoriesDb db, EndStories ends, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var mine = db.Stories.Where(s => s.Id == id && s.App == caller.Name.App && s.User == caller.Name.User && s.ExpiresAt > now);
        // One that was taken down stays so, and goes on saying why.
        var changed = await EndStories.EmptyAsync(mine.Where(s => s.State != StoryState.TakenDown), StoryState.Withdrawn, code: null, cancellationToken);
        if (changed == 0 && !await mine.AnyAsync(cancellationToken)) return Problems.Of(ProblemCodes.NotFound);
        await ends.RemoveAsync(id, cancellationToken);
        return TypedResults.NoContent();
    }
}
