using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Protocol.Contracts;

namespace Stories.Api.Viewing;

/// <summary><c>GET /v1/tray</c>: authors with live stories for the caller; unseen first, then the latest.</summary>
internal static class ShowTray
{
    public static async Task<Ok<TrayView>> Handle(Caller caller, VisibleStories stories, CancellationToken cancellationToken)
    {
        var authors =
            from row in await stories.InTrayAsync(caller.Name, cancellationToken)
            group row.Story by row.Author into mine
            let unseen = mine.Count(story => !story.Seen)
            let latest = mine.Max(story => story.AcceptedAt)
            orderby unseen > 0 descending, latest descending
            select new TrayAuthor(mine.Key.ToString(), unseen, latest, [.. mine]);
        return TypedResults.Ok(new TrayView([.. authors]));
    }
}
