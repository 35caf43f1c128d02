using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Stories.Api.Hosting;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Uploads;
using Stories.Protocol;

namespace Stories.Api.Uploads;

/// <summary><c>POST /v1/uploads</c> (tus creation, creation-with-upload).</summary>
internal sealed class BeginUpload(StoriesDb db, UploadRows rows, BodyPump pump, IOptions<UploadOptions> options, TimeProvider clock)
{
    public static Task<Results<Created, ProblemHttpResult>> Handle(HttpContext context, Caller caller, BeginUpload begin, CancellationToken cancellationToken) =>
        begin.RunAsync(context, caller.Name, cancellationToken);

    private async Task<Results<Created, ProblemHttpResult>> RunAsync(HttpContext context, UserName owner, CancellationToken cancellationToken)
    {
        var request = context.Request;
        if (!request.SpeaksOurVersion()) return Problems.Of(ProblemCodes.TusVersion);
        if (request.Number(TusHeaders.Length) is not ({ } length and > 0) || request.ReadMetadata() is not { } metadata) return Problems.Of(ProblemCodes.UploadInvalid);
        if (metadata.Level == Level.EndToEnd) return Problems.Of(ProblemCodes.StoryLevelUnsupported);
        if (length > options.Value.MaxBytes) return Problems.Of(ProblemCodes.UploadTooLarge);
        if (!BodyChecksum.TryRead(request, out var checksum)) return Problems.Of(ProblemCodes.UploadChecksumUnsupported);
        using var kept = checksum;
        var hasBody = request.ContentType is not null;
        if (hasBody && !request.HasOffsetBody()) return Problems.Of(ProblemCodes.UploadContentType);
        if (request.ContentLength > length) return Problems.Of(ProblemCodes.UploadTooLarge);

        var now = clock.GetUtcNow();
        var mayBeNamed = await db.ProcessingKeys.AnyAsync(k => k.Id == metadata.Key && k.NotAfter > now, cancellationToken);
        if (!mayBeNamed) return Problems.Of(ProblemCodes.UploadKeyExpired);

        var upload = Upload.Begin(Guid.NewGuid(), owner, metadata.Lane, metadata.Level, metadata.Key, length, BlobNames.NewBlob(), now, options.Value.Life);
        if (await rows.AddAsync(upload, hasBody, options.Value, cancellationToken) is { } quota) return Problems.Of(quota);

        var headers = context.Response.Headers;
        headers[TusHeaders.Expires] = TusHeaders.Date(upload.ExpiresAt);
        if (hasBody)
        {
            var pumped = await pump.RunAsync(context, new UploadHold(upload.Id, upload.BlobName, 0, length, Epoch: 1, Blocks: 0), checksum);
            if (pumped.Refusal is { } refusal) return Problems.Of(refusal);
            headers[TusHeaders.Offset] = $"{pumped.Offset}";
        }
        return TypedResults.Created($"/v1/uploads/{upload.Id}");
    }
}
