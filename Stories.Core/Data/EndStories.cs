using Microsoft.EntityFrameworkCore;
using Stories.Core.Faults;
using Stories.Core.Posting;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Core.Data;

/// <summary>
/// A story's content goes before its time: withdrawn, taken down, or its audience or author gone. First the row is emptied, then
/// everything that hangs on it is removed; whoever dies in between leaves it to the sweep. An empty row stays until the bucket's
/// end (docs/decisions/0004).
/// </summary>
public sealed class EndStories(StoriesDb db, StoryBlobs blobs)
{
    /// <summary>From here on viewers find nothing, a worker's claim is lost, and the author's app is told.</summary>
    /// <returns>How many stories there were.</returns>
    public static Task<int> EmptyAsync(IQueryable<Story> stories, StoryState end, string? code, CancellationToken cancellationToken) =>
        stories.ExecuteUpdateAsync(set => set
            .SetProperty(s => s.State, end)
            .SetProperty(s => s.Code, code)
            .SetProperty(s => s.Work, WorkState.None)
            // Whoever follows the progress waits for this.
            .SetProperty(s => s.Stage, Stage.Done)
            .SetProperty(s => s.Manifest, (byte[]?)null)
            .SetProperty(s => s.Signature, (byte[]?)null)
            .SetProperty(s => s.KeyEnvelope, (byte[]?)null)
            .SetProperty(s => s.Payload, (byte[]?)null)
            .SetProperty(s => s.RenditionManifest, (byte[]?)null)
            .SetProperty(s => s.Unfinished, (byte[]?)null), cancellationToken);

    /// <summary>Repeatable.</summary>
    public async Task RemoveAsync(Guid story, CancellationToken cancellationToken)
    {
        CrashPoints.Hit("end:emptied");
        await db.Seen.Where(s => s.StoryId == story).ExecuteDeleteAsync(cancellationToken);
        await blobs.DeleteAsync(story, cancellationToken);
    }

    /// <summary>Ended stories of which more is left than their row; uploads that they used are found by themselves.</summary>
    public Task<List<Guid>> FindLeftAsync(int most, CancellationToken cancellationToken) => db.Stories
        .Where(s => s.State == StoryState.Withdrawn || s.State == StoryState.TakenDown)
        .Where(s => db.Renditions.Any(r => r.StoryId == s.Id) || db.Seen.Any(m => m.StoryId == s.Id))
        .OrderBy(_ => EF.Functions.Random()).Select(s => s.Id).Take(most).ToListAsync(cancellationToken);
}
