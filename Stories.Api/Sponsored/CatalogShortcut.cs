using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using Stories.Api.Hosting;

namespace Stories.Api.Sponsored;

/// <summary>
/// What is asked for most of all is answered before anything else looks at it: a catalog that is in memory, with a token that was verified within
/// the last seconds, within its rate. Everything else goes the long way, which gives the same answer.
/// </summary>
internal sealed class CatalogShortcut(RequestDelegate next, Tokens tokens, Catalogs catalogs, IOptions<RateLimiterOptions> limits)
{
    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.Path != ReadCatalog.Route || !HttpMethods.IsGet(request.Method) || request.Headers.Origin.Count > 0) return next(context);
        if (tokens.FindVerified(request) is not { } user || !Scopes.Has(user, Scopes.View) || Caller.Of(user) is not { } caller) return next(context);
        var query = request.Query;
        if (ReadCatalog.FindCell(caller.Name.App, query["placement"], query["country"], query["language"], query["age"]) is not { } cell || catalogs.FindFresh(cell) is not { } catalog) return next(context);

        context.User = user;
        using var lease = limits.Value.GlobalLimiter!.AttemptAcquire(context);
        if (!lease.IsAcquired) return next(context);
        catalogs.Count(cell);
        return catalog.ExecuteAsync(context);
    }
}
