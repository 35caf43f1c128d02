using Microsoft.AspNetCore.Diagnostics;
using Stories.Core.Faults;

namespace Stories.Api.Hosting;

/// <summary>
/// What no verb expected. The log gets its kind and its route's pattern, never a message, which quotes what a library was working on.
/// When database or storage do not answer that is nobody's mistake, and the caller may try again.
/// </summary>
internal sealed class UnexpectedTrouble(IProblemDetailsService problems, ILogger<UnexpectedTrouble> log) : IExceptionHandler
{
    public ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        // The framework knows which refusal this is.
        if (exception is BadHttpRequestException) return ValueTask.FromResult(false);
        var isAway = Trouble.IsAway(exception);
        log.Log(isAway ? LogLevel.Warning : LogLevel.Error, "{Method} {Route}: {Trouble}.", context.Request.Method, Route(context), Trouble.Of(exception));
        context.Response.StatusCode = isAway ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status500InternalServerError;
        return problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = { Status = context.Response.StatusCode } });
    }

    private static string? Route(HttpContext context) =>
        (context.Features.Get<IExceptionHandlerFeature>()?.Endpoint as RouteEndpoint)?.RoutePattern.RawText;
}
