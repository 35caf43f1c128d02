using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Core.Blobs;
using Stories.Protocol;

namespace Stories.Api.Uploads;

/// <summary><c>DELETE /v1/uploads/{id}</c> (tus termination): row, then bytes; blocks that were only staged, storage drops itself.</summary>
internal static class EndUpload
{
    public static async Task<Results<NoContent, ProblemHttpResult>> Handle(
        Guid id, HttpContext context, Caller caller, UploadRows rows, IngestBlobs blobs, CancellationToken cancellationToken)
    {
        if (!context.Request.SpeaksOurVersion()) return Problems.Of(ProblemCodes.TusVersion);
        if (await rows.RemoveAsync(id, caller.Name, cancellationToken) is not { } blob) return Problems.Of(ProblemCodes.NotFound);
        await blobs.DeleteAsync(blob, CancellationToken.None);
        return TypedResults.NoContent();
    }
}
