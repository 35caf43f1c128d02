using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Core.Blobs;
using Stories.Core.Faults;
using Stories.Protocol;

namespace Stories.Api.Uploads;

/// <summary><c>DELETE /v1/uploads/{id}</c> (tus termination): the upload is over, then its bytes go, then its row. What is cut off the sweep finishes.</summary>
internal static class EndUpload
{
    public static async Task<Results<NoContent, ProblemHttpResult>> Handle(
        Guid id, HttpContext context, Caller caller, UploadRows rows, IngestBlobs blobs, CancellationToken cancellationToken)
    {
        if (!context.Request.SpeaksOurVersion()) return Problems.Of(ProblemCodes.TusVersion);
        if (await rows.EndAsync(id, caller.Name, cancellationToken) is not { } blob) return Problems.Of(ProblemCodes.NotFound);
        CrashPoints.Hit("upload:ended");
        await blobs.DeleteAsync(blob, CancellationToken.None);
        await rows.RemoveAsync(id, caller.Name, CancellationToken.None);
        return TypedResults.NoContent();
    }
}
