using System.Collections.Concurrent;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using Stories.Api.Hosting;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>
/// What is asked for most of all is answered before anything else looks at it: a catalog that is in memory, with a token that was verified
/// already, within its rate. Everything else goes the long way, which gives the same answer.
/// </summary>
internal sealed class CatalogShortcut(RequestDelegate next, Tokens tokens, Catalogs catalogs, IOptions<RateLimiterOptions> limits, TimeProvider clock)
{
    /// <summary>How cells are asked for: made up by whoever asks, and few by those who do not.</summary>
    private const int MostQueries = 10_000;

    /// <summary>Characters; an app's own has some sixty.</summary>
    private const int LongestQuery = 200;

    private readonly ConcurrentDictionary<(string App, string? Query), Cell> cells = [];

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.Path != ReadCatalog.Route || !HttpMethods.IsGet(request.Method) || request.Headers.Origin.Count > 0) return next(context);
        if (tokens.FindVerified(request) is not { } token || !token.Has(Scopes.View)) return next(context);
        var now = clock.GetUtcNow();
        if (FindCell(token.Caller.Name.App, request) is not { } cell || catalogs.FindFresh(cell, now) is not { } catalog) return next(context);

        context.User = token.User;
        using var lease = limits.Value.GlobalLimiter!.AttemptAcquire(context);
        if (!lease.IsAcquired) return next(context);
        catalogs.Count(cell, now);
        return catalog.ExecuteAsync(context);
    }

    /// <summary>Devices ask in the same words again and again.</summary>
    private Cell? FindCell(string app, HttpRequest request)
    {
        var words = (app, request.QueryString.Value);
        if (cells.TryGetValue(words, out var known)) return known;
        var query = request.Query;
        if (ReadCatalog.FindCell(app, query["placement"], query["country"], query["language"], query["age"]) is not { } cell) return null;
        if (request.QueryString.Value?.Length > LongestQuery) return cell;
        if (cells.Count >= MostQueries) cells.Clear();
        cells.TryAdd(words, cell);
        return cell;
    }
}
