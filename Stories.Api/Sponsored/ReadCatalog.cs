using Microsoft.AspNetCore.Http.HttpResults;
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
    public const string Route = "/v1/ads/catalog";

    public static async Task<Results<ReadyCatalog, ProblemHttpResult>> Handle(
        string? placement, string? country, string? language, string? age, Caller caller, Catalogs catalogs, HttpContext context, CancellationToken cancellationToken)
    {
        if (FindCell(caller.Name.App, placement, country, language, age) is not { } cell) return Problems.Of(ProblemCodes.CellInvalid);
        if (await catalogs.FindAsync(cell, cancellationToken) is { } catalog) return catalog;
        context.Response.Headers.RetryAfter = "1";
        return Problems.Of(ProblemCodes.CatalogPending);
    }

    public static Cell? FindCell(string app, string? placement, string? country, string? language, string? age) =>
        Cell.TryParse(Cell.Name(app, placement ?? "", country, language, age ?? "unknown"), out var cell) ? cell : null;
}
