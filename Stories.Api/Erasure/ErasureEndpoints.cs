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
        app.MapGet("/v1/takedowns", ShowTakedowns.Handle).WithName("showTakedowns").WithTags("Operators").RequireAuthorization(Scopes.Ops);
        app.MapPost("/v1/stories/{id:guid}/takedown", TakeDownStory.Handle).WithName("takeDownStory").WithTags("Moderation").RequireAuthorization(Scopes.Moderate);
        // Who may erase whom is a question of both names and of several scopes: the verb answers it.
        app.MapPost("/v1/users/erase", EraseUser.Handle).WithName("eraseUser").WithTags("Users").RequireAuthorization();
    }
}
