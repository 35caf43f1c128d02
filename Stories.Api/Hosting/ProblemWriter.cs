namespace Stories.Api.Hosting;

/// <summary>
/// Writes each refusal as what it is, whatever the caller says to take (RFC 9110, 12.5.1, allows that). The framework's own writer, which gives up where that is not
/// JSON, leaves a refusal without a code, and has trouble logged with its message. It also adds a trace id, which links nothing for a stranger, and makes equal
/// answers unequal: missing and forbidden must look alike.
/// </summary>
internal sealed class ProblemWriter : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => true;

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var (response, problem) = (context.HttpContext.Response, context.ProblemDetails);
        problem.Status ??= response.StatusCode;
        Problems.Complete(problem);
        await response.WriteAsJsonAsync(problem, options: null, Problems.ContentType);
    }
}
