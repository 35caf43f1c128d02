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
        // Of a body that is too large, too slow or cut short where no handler binds it. The framework knows which refusal this is.
        if (exception is BadHttpRequestException { StatusCode: var refused }) return AnswerAsync(context, refused);
        var isAway = Trouble.IsAway(exception);
        log.Log(isAway ? LogLevel.Warning : LogLevel.Error, "{Method} {Route}: {Trouble}.", context.Request.Method, Route(context), Trouble.Of(exception));
        return AnswerAsync(context, isAway ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status500InternalServerError);
    }

    private ValueTask<bool> AnswerAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = { Status = context.Response.StatusCode } });
    }

    private static string? Route(HttpContext context) =>
        (context.Features.Get<IExceptionHandlerFeature>()?.Endpoint as RouteEndpoint)?.RoutePattern.RawText;
}
