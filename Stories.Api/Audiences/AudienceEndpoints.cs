using Microsoft.AspNetCore.Mvc;
using Stories.Api.Hosting;

namespace Stories.Api.Audiences;

internal static class AudienceEndpoints
{
    public static void Add(IServiceCollection services) => services.AddScoped<BeginEpoch>();

    public static void Map(IEndpointRouteBuilder app)
    {
        var audiences = app.MapGroup("/v1/audiences").WithTags("Audiences");
        audiences.MapPut("/{id:guid}/epochs/{number:int}", BeginEpoch.Handle).WithName("beginEpoch")
            .RequireAuthorization(Scopes.Post).WithMetadata(new RequestSizeLimitAttribute(BeginEpoch.BodyBytes));
        audiences.MapGet("", ReadAudience.HandleAll).WithName("listAudiences").RequireAuthorization(Scopes.View);
        audiences.MapGet("/{id:guid}", ReadAudience.Handle).WithName("readAudience").RequireAuthorization(Scopes.View);
        audiences.MapDelete("/{id:guid}", DeleteAudience.Handle).WithName("deleteAudience").RequireAuthorization(Scopes.Post);
        audiences.MapGet("/{id:guid}/epochs/{number:int}", ReadAudience.HandleEpoch).WithName("readEpoch").RequireAuthorization(Scopes.View);
    }
}
