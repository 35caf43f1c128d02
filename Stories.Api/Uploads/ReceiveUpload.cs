using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Stories.Api.Hosting;
using Stories.Core.Uploads;
using Stories.Protocol;

namespace Stories.Api.Uploads;

/// <summary><c>PATCH /v1/uploads/{id}</c>: more bytes, from where the upload stands.</summary>
internal sealed class ReceiveUpload(UploadRows rows, BodyPump pump, IOptions<UploadOptions> options, TimeProvider clock)
{
    public static Task<Results<NoContent, ProblemHttpResult>> Handle(
        Guid id, HttpContext context, Caller caller, ReceiveUpload receive, CancellationToken cancellationToken) =>
        receive.RunAsync(id, context, caller.Name, cancellationToken);

    private async Task<Results<NoContent, ProblemHttpResult>> RunAsync(Guid id, HttpContext context, UserName owner, CancellationToken cancellationToken)
    {
        var request = context.Request;
        if (!request.SpeaksOurVersion()) return Problems.Of(ProblemCodes.TusVersion);
        if (!request.HasOffsetBody()) return Problems.Of(ProblemCodes.UploadContentType);
        if (request.Number(TusHeaders.Offset) is not { } offset) return Problems.Of(ProblemCodes.UploadInvalid);
        if (!BodyChecksum.TryRead(request, out var checksum)) return Problems.Of(ProblemCodes.UploadChecksumUnsupported);
        using var kept = checksum;

        if (await rows.FindAsync(id, owner, cancellationToken) is not { } standing) return Problems.Of(ProblemCodes.NotFound);
        if (Refusal(standing, offset, request.ContentLength) is { } refused) return Problems.Of(refused);
        context.Response.Headers[TusHeaders.Expires] = TusHeaders.Date(standing.ExpiresAt);
        if (standing.State != UploadState.Receiving || request.ContentLength == 0) return Done(context, standing.Offset);

        if (await rows.HoldAsync(id, owner, offset, options.Value, clock.GetUtcNow(), cancellationToken) is not { } hold)
            return Problems.Of(ProblemCodes.UploadOffsetConflict);
        var pumped = await pump.RunAsync(context, hold, checksum);
        return pumped.Refusal is { } refusal ? Problems.Of(refusal) : Done(context, pumped.Offset);
    }

    private string? Refusal(UploadStanding standing, long offset, long? bodyLength)
    {
        if (clock.GetUtcNow() >= standing.ExpiresAt) return ProblemCodes.UploadExpired;
        if (standing.Offset != offset) return ProblemCodes.UploadOffsetConflict;
        if (bodyLength > standing.Length - offset) return ProblemCodes.UploadTooLarge;
        return standing.IsWornOut(options.Value) ? ProblemCodes.UploadTooManyParts : null;
    }

    private static NoContent Done(HttpContext context, long offset)
    {
        context.Response.Headers[TusHeaders.Offset] = $"{offset}";
        return TypedResults.NoContent();
    }
}
