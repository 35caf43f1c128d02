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
    private Lifetime lifetime = new(0);

    public ReadyCatalog(long epoch, SignedRecord record, TimeProvider clock)
    {
        (this.epoch, this.clock) = (epoch, clock);
        body = StoriesJson.Write(record);
        header = $"\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 16))}\"";
        tag = new EntityTagHeaderValue(header);
    }

    public Task ExecuteAsync(HttpContext httpContext) => WriteAsync(httpContext, clock.GetUtcNow());

    public Task WriteAsync(HttpContext httpContext, DateTimeOffset now)
    {
        var (request, response) = (httpContext.Request, httpContext.Response);
        var seconds = Math.Max(0, epoch + Catalog.EpochSeconds - now.ToUnixTimeSeconds());
        var current = lifetime;
        if (current.Seconds != seconds) lifetime = current = new Lifetime(seconds);
        response.Headers.CacheControl = current.Header;
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

    /// <summary>How long it may be kept; privately, for proxies do not know of whom the app's token is.</summary>
    private sealed class Lifetime(long seconds)
    {
        public long Seconds => seconds;
        public string Header { get; } = $"max-age={seconds}, private";
    }
}
