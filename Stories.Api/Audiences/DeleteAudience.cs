using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Protocol;

namespace Stories.Api.Audiences;

/// <summary>
/// <c>DELETE /v1/audiences/{id}</c>: by its owner, with the stories that were posted to it. Publishing holds the audience's row
/// too: what came before is found here, what comes after finds no audience.
/// </summary>
internal static class DeleteAudience
{
    public static async Task<Results<NoContent, ProblemHttpResult>> Handle(Guid id, Caller caller, StoriesDb db, EndStories ends, CancellationToken cancellationToken)
    {
        List<Guid> stories;
        await using (var transaction = await db.Database.BeginTransactionAsync(cancellationToken))
        {
            var owned = await db.Database.SqlQuery<Guid>($"""
                select id as "Value" from audiences where id = {id} and owner_app = {caller.Name.App} and owner_user = {caller.Name.User} for update
                """).ToListAsync(cancellationToken);
            if (owned.Count == 0) return Problems.Of(ProblemCodes.NotFound);

            var posted = db.Stories.Where(s => s.AudienceId == id && (s.State == StoryState.Accepted || s.State == StoryState.Processing || s.State == StoryState.Live));
            stories = await posted.Select(s => s.Id).ToListAsync(cancellationToken);
            await EndStories.EmptyAsync(posted, StoryState.Withdrawn, code: null, cancellationToken);
            await db.EpochEnvelopes.Where(e => e.AudienceId == id).ExecuteDeleteAsync(cancellationToken);
            await db.AudienceEpochs.Where(e => e.AudienceId == id).ExecuteDeleteAsync(cancellationToken);
            await db.AudienceMembers.Where(m => m.AudienceId == id).ExecuteDeleteAsync(cancellationToken);
            await db.Audiences.Where(a => a.Id == id).ExecuteDeleteAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        foreach (var story in stories) await ends.RemoveAsync(story, cancellationToken);
        return TypedResults.NoContent();
    }
}
