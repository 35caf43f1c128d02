using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>A catalog as it goes out: whoever of the cell asks in its epoch gets these very bytes.</summary>
internal sealed class ReadyCatalog : IResult
{
    private readonly long epoch;
    private readonly byte[] body;
    private readonly EntityTagHeaderValue tag;
    private readonly string header;
    private readonly TimeProvider clock;

    public ReadyCatalog(long epoch, SignedRecord record, TimeProvider clock)
    {
        (this.epoch, this.clock) = (epoch, clock);
        body = StoriesJson.Write(record);
        header = $"\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 16))}\"";
        tag = new EntityTagHeaderValue(header);
    }

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var (request, response) = (httpContext.Request, httpContext.Response);
        // Private: proxies do not know of whom the app's token is.
        response.Headers.CacheControl = $"max-age={Math.Max(0, epoch + Catalog.EpochSeconds - clock.GetUtcNow().ToUnixTimeSeconds())}, private";
        response.Headers.ETag = header;
        if (request.Headers.IfNoneMatch == header || request.GetTypedHeaders().IfNoneMatch.Any(asked => asked.Compare(tag, useStrongComparison: false) || asked == EntityTagHeaderValue.Any))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        return response.Body.WriteAsync(body, httpContext.RequestAborted).AsTask();
    }
}
