using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Protocol;

namespace Stories.Api.Sponsored;

internal static class CatalogEndpoints
{
    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<CellCatalogs>();
        services.AddSingleton<Catalogs>();
        services.AddHostedService(provider => provider.GetRequiredService<Catalogs>());
    }

    public static void UseShortcut(IApplicationBuilder app) => app.UseMiddleware<CatalogShortcut>();

    public static void Map(IEndpointRouteBuilder app) =>
        app.MapGet(ReadCatalog.Route, ReadCatalog.Handle).WithName("readCatalog").WithTags("Sponsored").RequireAuthorization(Scopes.View)
            .Produces<SignedRecord>().Produces(StatusCodes.Status304NotModified);
}
