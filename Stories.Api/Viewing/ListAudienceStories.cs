using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Protocol.Contracts;

namespace Stories.Api.Viewing;

/// <summary><c>GET /v1/audiences/{id}/stories</c>: an unknown audience looks like an empty one.</summary>
internal static class ListAudienceStories
{
    public static async Task<Ok<StoryList>> Handle(Guid id, Caller caller, VisibleStories stories, CancellationToken cancellationToken) =>
        TypedResults.Ok(new StoryList([.. (await stories.InAudienceAsync(id, caller.Name, cancellationToken)).Select(row => row.Story)]));
}
