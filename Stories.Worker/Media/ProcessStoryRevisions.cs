using Stories.Core;
using Stories.Protocol;

namespace Stories.Worker.Media;

/// <summary>Renders a story's uploads side by side in revisions: the first as soon as each has something to show.</summary>
internal sealed class ProcessStoryRevisions(
    MediaRenderer renderer, RevisionPublisher publisher, StoryClaim claim, StoryManifest manifest, Scratch scratch, ClaimKeeper keeper, int lastPart)
{
    private readonly List<StoredRendition> all = [];
    private byte[]? preview;
    private int part = lastPart;
    private int revision = claim.Revision;

    public async Task MakeAsync(List<PreparedMedia> media)
    {
        var sets = media.ConvertAll(m => renderer.RenderAsync(m, scratch, percent => keeper.Percent = percent, keeper.Token).GetAsyncEnumerator(keeper.Token));
        try
        {
            while (await NextAsync(sets))
            {
            }
        }
        finally
        {
            foreach (var set in sets) await set.DisposeAsync();
        }
    }

    /// <returns>False when no upload had anything more.</returns>
    private async Task<bool> NextAsync(List<IAsyncEnumerator<RenditionSet>> sets)
    {
        var names = new List<string>();
        try
        {
            var added = new List<StoredRendition>();
            for (var upload = 0; upload < sets.Count; upload++)
            {
                keeper.Stage = Stage.Rendering;
                if (!await sets[upload].MoveNextAsync()) continue;
                CrashPoints.Hit("process:rendered");
                keeper.Stage = Stage.Sealing;
                preview ??= sets[upload].Current.Preview;
                foreach (var file in sets[upload].Current.Files)
                {
                    names.Add(RevisionPublisher.NewName());
                    added.Add(await publisher.StoreAsync(claim, manifest, file, names[^1], ++part, upload, keeper.Token));
                }
            }
            if (added.Count == 0) return false;
            CrashPoints.Hit("process:uploaded");
            all.AddRange(added);
            await publisher.PublishAsync(claim, manifest, ++revision, all, added, preview, keeper.Token);
            CrashPoints.Hit("process:published");
            return true;
        }
        catch
        {
            await publisher.DiscardUnpublishedAsync(claim, names);
            throw;
        }
    }
}
