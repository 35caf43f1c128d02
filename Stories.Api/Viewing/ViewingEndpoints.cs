using Stories.Api.Hosting;

namespace Stories.Api.Viewing;

internal static class ViewingEndpoints
{
    public static void Add(IServiceCollection services) => services.AddSingleton<VisibleStories>();

    public static void Map(IEndpointRouteBuilder app)
    {
        var viewing = app.MapGroup("/v1").WithTags("Viewing").RequireAuthorization(Scopes.View);
        viewing.MapGet("/tray", ShowTray.Handle).WithName("showTray");
        viewing.MapGet("/audiences/{id:guid}/stories", ListAudienceStories.Handle).WithName("listAudienceStories");
        viewing.MapGet("/stories/{id:guid}", OpenStory.Handle).WithName("openStory");
        viewing.MapPost("/stories/open", OpenStory.HandleMany).WithName("openStories");
        viewing.MapPut("/stories/{id:guid}/seen", MarkSeen.Handle).WithName("markSeen");
    }
}
