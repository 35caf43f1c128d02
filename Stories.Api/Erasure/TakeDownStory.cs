using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Erasure;

/// <summary>
/// <c>POST /v1/stories/{id}/takedown</c>: a moderator ends a story of any level, whatever became of it so far. Its author is told why;
/// kept is that it happened, and nothing of the story. It is not undone.
/// </summary>
internal static class TakeDownStory
{
    public static async Task<Results<NoContent, ProblemHttpResult>> Handle(
        Guid id, TakedownRequest request, Caller moderator, StoriesDb db, AppRegistry apps, EndStories ends, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var story = await db.Stories.Where(s => s.Id == id && s.ExpiresAt > now).Select(s => new { s.App, s.Level }).SingleOrDefaultAsync(cancellationToken);
        if (story is null || apps.ById(story.App) is not { } theirs || apps.ById(moderator.Name.App)?.SharesAudiencesWith(theirs) is not true) return Problems.Of(ProblemCodes.NotFound);

        await using (var transaction = await db.Database.BeginTransactionAsync(cancellationToken))
        {
            if (!await DepartureGate.PassAsync(db, [moderator.Name], cancellationToken)) return Problems.Of(ProblemCodes.Unavailable);
            // Of two moderators the first counts.
            var open = db.Stories.Where(s => s.Id == id && s.State != StoryState.TakenDown);
            if (await EndStories.EmptyAsync(open, StoryState.TakenDown, TakedownCodes.Of(request.Reason), cancellationToken) > 0)
            {
                db.Takedowns.Add(Takedown.Of(story.App, story.Level, request.Reason, moderator.Name, now));
                await db.SaveChangesAsync(cancellationToken);
            }
            await transaction.CommitAsync(cancellationToken);
        }
        await ends.RemoveAsync(id, cancellationToken);
        return TypedResults.NoContent();
    }
}
