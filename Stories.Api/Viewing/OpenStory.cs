using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Viewing;

/// <summary><c>GET /v1/stories/{id}</c>, and many at once by <c>POST /v1/stories/open</c>.</summary>
internal static class OpenStory
{
    public static async Task<Results<Ok<StoryView>, ProblemHttpResult>> Handle(
        Guid id, Caller caller, VisibleStories stories, HttpContext context, CancellationToken cancellationToken)
    {
        context.Response.Headers.CacheControl = "no-store";
        return await stories.OpenAsync([id], caller.Name, cancellationToken) is [var story] ? TypedResults.Ok(story) : Problems.Of(ProblemCodes.NotFound);
    }

    public static async Task<Results<Ok<OpenAnswer>, ProblemHttpResult>> HandleMany(
        OpenRequest request, Caller caller, VisibleStories stories, HttpContext context, CancellationToken cancellationToken)
    {
        if (request.Stories is null or { Count: > Limits.OpenBatch }) return Problems.Of(ProblemCodes.RequestInvalid);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new OpenAnswer(await stories.OpenAsync(request.Stories, caller.Name, cancellationToken)));
    }
}
