using Stories.Api.Hosting;

namespace Stories.Api.Erasure;

internal static class ErasureEndpoints
{
    public static void Map(IEndpointRouteBuilder app)
    {
        var buckets = app.MapGroup("/v1/buckets").WithTags("Operators").RequireAuthorization(Scopes.Ops);
        buckets.MapGet("", ShowBuckets.HandleAll).WithName("listBuckets");
        buckets.MapGet("/{id:guid}", ShowBuckets.Handle).WithName("showBucket");
    }
}
