using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Posting;
using Stories.Protocol;

namespace Stories.Api.Posting;

/// <summary>
/// <c>DELETE /v1/stories/{id}</c>: gone for viewers at once, and its bytes with it. An empty row stays until the bucket's end,
/// so that a late repetition of the publish does not bring it back.
/// </summary>
internal static class WithdrawStory
{
    public static async Task<Results<NoContent, ProblemHttpResult>> Handle(
        Guid id, Caller caller, StoriesDb db, StoryBlobs blobs, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var mine = db.Stories.Where(s => s.Id == id && s.App == caller.Name.App && s.User == caller.Name.User && s.ExpiresAt > now);
        var changed = await mine.ExecuteUpdateAsync(set => set
            .SetProperty(s => s.State, StoryState.Withdrawn)
            .SetProperty(s => s.Work, WorkState.None)
            .SetProperty(s => s.Manifest, (byte[]?)null)
            .SetProperty(s => s.Signature, (byte[]?)null)
            .SetProperty(s => s.KeyEnvelope, (byte[]?)null)
            .SetProperty(s => s.Payload, (byte[]?)null)
            .SetProperty(s => s.RenditionManifest, (byte[]?)null)
            .SetProperty(s => s.Unfinished, (byte[]?)null)
            .SetProperty(s => s.Code, (string?)null), cancellationToken);
        if (changed == 0) return Problems.Of(ProblemCodes.NotFound);
        await blobs.DeleteAsync(id, cancellationToken);
        return TypedResults.NoContent();
    }
}
