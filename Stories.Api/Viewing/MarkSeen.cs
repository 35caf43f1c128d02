using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Protocol;

namespace Stories.Api.Viewing;

/// <summary><c>PUT /v1/stories/{id}/seen</c>: for the order of the caller's own tray.</summary>
internal static class MarkSeen
{
    public static async Task<Results<NoContent, ProblemHttpResult>> Handle(Guid id, Caller caller, VisibleStories stories, CancellationToken cancellationToken) =>
        await stories.MarkSeenAsync(id, caller.Name, cancellationToken) ? TypedResults.NoContent() : Problems.Of(ProblemCodes.NotFound);
}
