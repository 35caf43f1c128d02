using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Core.Uploads;
using Stories.Protocol;

namespace Stories.Api.Uploads;

/// <summary><c>HEAD /v1/uploads/{id}</c>: where the upload stands, from the row that acknowledged it, never from storage.</summary>
internal static class CheckUpload
{
    public static async Task<Results<Ok, ProblemHttpResult>> Handle(
        Guid id, HttpContext context, Caller caller, UploadRows rows, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (!context.Request.SpeaksOurVersion()) return Problems.Of(ProblemCodes.TusVersion);
        if (await rows.FindAsync(id, caller.Name, cancellationToken) is not { } standing) return Problems.Of(ProblemCodes.NotFound);
        if (standing.State != UploadState.Consumed && clock.GetUtcNow() >= standing.ExpiresAt) return Problems.Of(ProblemCodes.UploadExpired);
        var headers = context.Response.Headers;
        headers[TusHeaders.Offset] = $"{standing.Offset}";
        headers[TusHeaders.Length] = $"{standing.Length}";
        headers[TusHeaders.Expires] = TusHeaders.Date(standing.ExpiresAt);
        headers.CacheControl = "no-store";
        return TypedResults.Ok();
    }
}
