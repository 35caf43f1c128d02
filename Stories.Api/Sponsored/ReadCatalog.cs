using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using Stories.Api.Hosting;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>
/// <c>GET /v1/ads/catalog</c>: what may be shown to the caller's cell in this epoch, signed; of the caller only the app plays a part. A device asks again
/// at the epoch's end, with the tag that it has.
/// </summary>
internal static class ReadCatalog
{
    public static async Task<Results<FileContentHttpResult, StatusCodeHttpResult, ProblemHttpResult>> Handle(
        string? placement, string? country, string? language, string? age, Caller caller, Catalogs catalogs, HttpContext context, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (!Cell.TryParse(Cell.Name(caller.Name.App, placement ?? "", country, language, age ?? "unknown"), out var cell)) return Problems.Of(ProblemCodes.CellInvalid);
        if (await catalogs.FindAsync(cell, cancellationToken) is not { } catalog)
        {
            context.Response.Headers.RetryAfter = "1";
            return Problems.Of(ProblemCodes.CatalogPending);
        }
        var left = Catalog.EpochSeconds - clock.GetUtcNow().ToUnixTimeSeconds() % Catalog.EpochSeconds;
        var headers = context.Response.GetTypedHeaders();
        // Private: proxies do not know of whom the app's token is.
        headers.CacheControl = new CacheControlHeaderValue { Private = true, MaxAge = TimeSpan.FromSeconds(left) };
        headers.ETag = catalog.Tag;
        if (context.Request.GetTypedHeaders().IfNoneMatch.Any(tag => tag.Compare(catalog.Tag, useStrongComparison: false) || tag == EntityTagHeaderValue.Any))
            return TypedResults.StatusCode(StatusCodes.Status304NotModified);
        return TypedResults.Bytes(catalog.Body, "application/json");
    }
}
