using Stories.Core.Faults;
using Stories.Protocol;
using Stories.Worker.Media;

namespace Stories.Worker.Processing;

/// <summary>Renders a story's uploads side by side in revisions: the first as soon as each has something to show.</summary>
/// <param name="processingKey">Of the uploads.</param>
/// <param name="earlier">What the story has already: its parts keep their numbers, viewers may hold their URLs.</param>
internal sealed class ProcessStoryRevisions(
    MediaRenderer renderer, RevisionPublisher publisher, UnfinishedRenditions unfinished, StoryClaims claims,
    StoryClaim claim, StoryManifest manifest, Guid processingKey, Scratch scratch, ClaimKeeper keeper, RenditionManifest? earlier)
{
    private readonly List<RenditionEntry> all = [.. earlier?.Renditions ?? []];
    private byte[]? preview = earlier?.Preview;
    private int revision = claim.Revision;

    /// <summary>Sets of all uploads: made, and to be made.</summary>
    private int made;
    private int total;

    /// <returns>False when it left off between revisions, because viewers see nothing yet of another story of the lane.</returns>
    public async Task<bool> MakeAsync(List<PreparedMedia> media)
    {
        var last = media.Max(m => m.Sets);
        made = media.Sum(m => Math.Min(revision, m.Sets));
        total = media.Sum(m => m.Sets);
        var sets = media.ConvertAll(m => renderer.RenderAsync(m, scratch, revision, ShowProgress, keeper.Token).GetAsyncEnumerator(keeper.Token));
        try
        {
            while (await NextAsync(sets, last))
                if (revision < last && await claims.IsFirstAwaitedAsync(claim.Lane, keeper.Token)) return false;
            return true;
        }
        finally
        {
            foreach (var set in sets) await set.DisposeAsync();
        }
    }

    /// <returns>False when no upload had anything more.</returns>
    private async Task<bool> NextAsync(List<IAsyncEnumerator<RenditionSet>> sets, int last)
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
                made++;
                ShowProgress(0);
                preview ??= sets[upload].Current.Preview;
                foreach (var file in sets[upload].Current.Files)
                {
                    names.Add(RevisionPublisher.NewName());
                    added.Add(await publisher.StoreAsync(claim, manifest, file, names[^1], all.Count + added.Count + 1, upload, keeper.Token));
                }
            }
            if (added.Count == 0) return false;
            CrashPoints.Hit("process:uploaded");
            all.AddRange(added.Select(a => a.Entry));
            var renditions = new RenditionManifest(claim.Story, ++revision, claim.ManifestSha256, [.. all], preview);
            var toGoOnFrom = revision < last ? await unfinished.SealAsync(claim, processingKey, renditions, keeper.Token) : null;
            await publisher.PublishAsync(claim, manifest, renditions, added, toGoOnFrom, keeper.Percent, keeper.Token);
            CrashPoints.Hit("process:published");
            return true;
        }
        catch
        {
            await publisher.DiscardUnpublishedAsync(claim, names);
            throw;
        }
    }

    /// <param name="percent">Of the set that is being made.</param>
    private void ShowProgress(int percent) => keeper.Percent = Math.Min(100, (100 * made + percent) / total);
}
