using Stories.Api.Hosting;

namespace Stories.Api.Erasure;

internal static class ErasureEndpoints
{
    public static void Map(IEndpointRouteBuilder app)
    {
        ErasurePage.Register();
        var buckets = app.MapGroup("/v1/buckets").WithTags("Operators").RequireAuthorization(Scopes.Ops);
        buckets.MapGet("", ShowBuckets.HandleAll).WithName("listBuckets");
        buckets.MapGet("/{id:guid}", ShowBuckets.Handle).WithName("showBucket");
        app.MapGet("/v1/erasures", ShowErasures.Handle).WithName("showErasures").WithTags("Operators").RequireAuthorization(Scopes.Ops);
        app.MapGet("/v1/erasures/{id:guid}", ProveErasure.Handle).WithName("proveErasure").WithTags("Posting").RequireAuthorization(Scopes.Post);
    }
}
