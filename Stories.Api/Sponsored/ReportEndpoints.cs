using Stories.Api.Hosting;

namespace Stories.Api.Sponsored;

internal static class ReportEndpoints
{
    public static void Map(IEndpointRouteBuilder app) =>
        app.MapGet("/v1/ads/reports/{kind}", ShowReport.Handle).WithName("showReport").WithTags("Sponsored").RequireAuthorization(Scopes.AdsManage);
}
