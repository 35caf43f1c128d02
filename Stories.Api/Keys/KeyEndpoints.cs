using Stories.Api.Hosting;

namespace Stories.Api.Keys;

internal static class KeyEndpoints
{
    public static void Map(IEndpointRouteBuilder app) =>
        app.MapGet("/v1/keys", ListKeys.Handle).WithName("listKeys").WithTags("Keys").RequireAuthorization(Scopes.Keys);
}
