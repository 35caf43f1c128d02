using Stories.Api.Hosting;

namespace Stories.Api.Sponsored;

/// <summary>What advertisers write, and operators about them. Every write is answered once for each Idempotency-Key.</summary>
internal static class BookingEndpoints
{
    public static void Add(IServiceCollection services) => services.AddScoped<LineStandings>();

    public static void Map(IEndpointRouteBuilder app)
    {
        var ads = app.MapGroup("/v1/ads").WithTags("Sponsored");
        var own = ads.MapGroup("").RequireAuthorization(Scopes.AdsManage);
        own.MapPut("/advertiser", RegisterAdvertiser.Handle).WithName("registerAdvertiser").AnswerOnce();
        own.MapGet("/advertiser", ReadAdvertisers.HandleOwn).WithName("readAdvertiser");
        own.MapGet("/transfers", ReadTransfers.Handle).WithName("listTransfers");

        own.MapPost("/campaigns", FoundCampaign.Handle).WithName("foundCampaign").AnswerOnce(isKeyRequired: true);
        own.MapGet("/campaigns", ReadCampaigns.HandleAll).WithName("listCampaigns");
        own.MapGet("/campaigns/{id:guid}", ReadCampaigns.Handle).WithName("readCampaign");
        own.MapPut("/campaigns/{id:guid}", ChangeCampaign.Handle).WithName("changeCampaign").AnswerOnce();

        own.MapPost("/lines", BookLine.Handle).WithName("bookLine").AnswerOnce(isKeyRequired: true);
        own.MapPost("/lines:validate", BookLine.HandleCheck).WithName("checkLine");
        own.MapGet("/lines", ReadLines.HandleAll).WithName("listLines");
        own.MapGet("/lines/{id:guid}", ReadLines.Handle).WithName("readLine");
        own.MapPut("/lines/{id:guid}/terms", ChangeLine.HandleTerms).WithName("changeLineTerms").AnswerOnce();
        own.MapPut("/lines/{id:guid}/status", ChangeLine.HandleStatus).WithName("changeLineStatus").AnswerOnce();
        own.MapPut("/lines/{id:guid}/creatives", ChangeLine.HandleCreatives).WithName("changeLineCreatives").AnswerOnce();

        own.MapPut("/offers/{id:guid}", KeepOffer.Handle).WithName("keepOffer").AnswerOnce();
        own.MapGet("/offers", ReadOffer.HandleAll).WithName("listOffers");
        own.MapGet("/offers/{id:guid}", ReadOffer.Handle).WithName("readOffer");
        own.MapDelete("/offers/{id:guid}", KeepOffer.HandleRevoke).WithName("revokeOffer").AnswerOnce();

        var ops = ads.MapGroup("/advertisers").RequireAuthorization(Scopes.Ops);
        ops.MapGet("", ReadAdvertisers.HandleAll).WithName("listAdvertisers");
        ops.MapPost("/{id:guid}/decision", DecideAdvertiser.Handle).WithName("decideAdvertiser").AnswerOnce(isKeyRequired: true);
        ops.MapPost("/{id:guid}/funds", FundWallet.Handle).WithName("fundWallet").AnswerOnce(isKeyRequired: true);
    }
}
