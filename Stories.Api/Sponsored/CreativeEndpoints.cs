using Stories.Api.Hosting;

namespace Stories.Api.Sponsored;

internal static class CreativeEndpoints
{
    public static void Add(IServiceCollection services) => services.AddScoped<CreativeViews>();

    public static void Map(IEndpointRouteBuilder app)
    {
        var own = app.MapGroup("/v1/ads/creatives").WithTags("Sponsored").RequireAuthorization(Scopes.AdsManage);
        own.MapPost("", PrepareCreative.Handle).WithName("prepareCreative").AnswerOnce(isKeyRequired: true);
        own.MapGet("", FoundCreatives.HandleAll).WithName("listCreatives");
        own.MapGet("/{id:guid}", FoundCreatives.Handle).WithName("readCreative");
        own.MapPut("/{id:guid}/facts", PrepareCreative.HandleFacts).WithName("changeCreative").AnswerOnce();
        own.MapPost("/{id:guid}/process", MakeCreative.Handle).WithName("makeCreative").AnswerOnce(isKeyRequired: true);
        own.MapPost("/{id:guid}/submit", SubmitCreative.Handle).WithName("submitCreative").AnswerOnce(isKeyRequired: true);
        own.MapPost("/{id:guid}/appeal", SubmitCreative.HandleAppeal).WithName("appealReview").AnswerOnce(isKeyRequired: true);
        own.MapDelete("/{id:guid}", SubmitCreative.HandleWithdraw).WithName("withdrawCreative").AnswerOnce();

        var reviews = app.MapGroup("/v1/ads/reviews").WithTags("Sponsored").RequireAuthorization(Scopes.AdsReview);
        reviews.MapGet("", ReviewCreative.HandleQueue).WithName("listReviews");
        reviews.MapPost("/{creative:guid}", ReviewCreative.Handle).WithName("reviewCreative").AnswerOnce(isKeyRequired: true);

        app.MapGet("/v1/ads/repository", ShowRepository.Handle).WithName("showRepository").WithTags("Sponsored").AllowAnonymous();
        app.MapDelete("/v1/ads/repository/{digest}", ShowRepository.HandleErase).WithName("eraseCreative").WithTags("Sponsored").RequireAuthorization(Scopes.AdsReview).AnswerOnce();
    }
}
