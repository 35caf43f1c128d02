using Microsoft.EntityFrameworkCore;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>Creatives as their owner and reviewers see them: with addresses of their media for some minutes.</summary>
internal sealed class CreativeViews(StoriesDb db, UrlSigner urls, TimeProvider clock)
{
    private static readonly TimeSpan UrlLife = TimeSpan.FromMinutes(10);

    public async Task<CreativeView> ViewAsync(Creative creative, CancellationToken cancellationToken) => (await ViewAsync([creative], cancellationToken))[0];

    public async Task<IReadOnlyList<CreativeView>> ViewAsync(IReadOnlyList<Creative> creatives, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. creatives.Select(c => c.Id)];
        var reviews = (await db.Reviews.AsNoTracking().Where(r => ids.Contains(r.CreativeId)).OrderBy(r => r.At).ToListAsync(cancellationToken)).ToLookup(r => r.CreativeId);
        var views = new List<CreativeView>();
        foreach (var creative in creatives)
        {
            views.Add(new CreativeView(creative.Id, creative.State, creative.Facts, creative.Digest, creative.Code, await MediaAsync(creative, cancellationToken),
                [.. reviews[creative.Id].Select(r => new ReviewView(r.Decision, r.Reasons, r.Note, r.At))], creative.CreatedAt, creative.ChangedAt));
        }
        return views;
    }

    public async Task<IReadOnlyList<CatalogMedia>> MediaAsync(Creative creative, CancellationToken cancellationToken)
    {
        if (creative is not { Container: { } container, ErasedAt: null }) return [];
        var until = clock.GetUtcNow() + UrlLife;
        var media = new List<CatalogMedia>();
        foreach (var file in creative.Media)
            media.Add(new CatalogMedia(file.File, await urls.SignAsync(container, file.BlobName, new ServedAs(file.File.MediaType, Inline: true), until, cancellationToken)));
        return media;
    }
}
