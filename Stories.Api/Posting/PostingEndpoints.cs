using Stories.Api.Hosting;

namespace Stories.Api.Posting;

internal static class PostingEndpoints
{
    public static void Add(IServiceCollection services)
    {
        services.AddScoped<OpenBuckets>();
        services.AddScoped<PublishStory>();
    }

    public static void Map(IEndpointRouteBuilder app)
    {
        var stories = app.MapGroup("/v1/stories").WithTags("Posting").RequireAuthorization(Scopes.Post);
        stories.MapPut("/{id:guid}", PublishStory.Handle).WithName("publishStory");
        stories.MapGet("/{id:guid}/progress", WatchProgress.Handle).WithName("watchProgress");
        stories.MapDelete("/{id:guid}", WithdrawStory.Handle).WithName("withdrawStory");
    }
}
