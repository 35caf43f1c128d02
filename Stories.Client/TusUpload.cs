using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Stories.Protocol;

namespace Stories.Client;

/// <summary>A resumable upload by tus 1.0 (tus.io): a cut connection goes on where the service stands.</summary>
internal sealed class TusUpload(HttpClient http)
{
    private const int MostTries = 8;
    private static readonly MediaTypeHeaderValue OffsetStream = new("application/offset+octet-stream");

    /// <summary>Sends a seekable stream from its start and returns the upload's id.</summary>
    public async Task<Guid> SendAsync(Stream content, Lane lane, Level level, Guid processingKey, Action<long> progress, CancellationToken cancellationToken)
    {
        var location = await BeginAsync(content, lane, level, processingKey, cancellationToken);
        for (var round = 1; ; round++)
        {
            try
            {
                var offset = await OffsetAsync(location, cancellationToken);
                progress(offset);
                if (offset == content.Length) return Guid.Parse(location.Split('/')[^1]);
                await PatchAsync(location, content, offset, progress, cancellationToken);
                round = 0;
            }
            catch (Exception e) when (IsPassing(e) && round < MostTries)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100 << round), TimeProvider.System, cancellationToken);
            }
        }
    }

    private async Task<string> BeginAsync(Stream content, Lane lane, Level level, Guid processingKey, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Post, "v1/uploads");
        request.Headers.Add("Upload-Length", content.Length.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("Upload-Metadata", $"lane {Encode(Word(lane))},level {Encode(Word(level))},key {Encode(processingKey.ToString())}");
        using var response = await http.SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Created) throw await StoriesProblemException.ReadAsync(response, cancellationToken);
        return response.Headers.Location!.OriginalString.TrimStart('/');
    }

    private async Task<long> OffsetAsync(string location, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Head, location);
        using var response = await http.SendAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode) throw await StoriesProblemException.ReadAsync(response, cancellationToken);
        return long.Parse(response.Headers.GetValues("Upload-Offset").Single(), CultureInfo.InvariantCulture);
    }

    private async Task PatchAsync(string location, Stream content, long offset, Action<long> progress, CancellationToken cancellationToken)
    {
        content.Position = offset;
        using var request = Request(HttpMethod.Patch, location);
        request.Headers.Add("Upload-Offset", offset.ToString(CultureInfo.InvariantCulture));
        request.Content = new ReportedContent(content, progress) { Headers = { ContentType = OffsetStream } };
        using var response = await http.SendAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode) throw await StoriesProblemException.ReadAsync(response, cancellationToken);
    }

    private static bool IsPassing(Exception e) => e is HttpRequestException or IOException ||
        e is StoriesProblemException { Code: ProblemCodes.UploadOffsetConflict or ProblemCodes.UploadSuperseded or ProblemCodes.RateLimited or ProblemCodes.Unavailable };

    private static HttpRequestMessage Request(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Add("Tus-Resumable", "1.0.0");
        return request;
    }

    private static string Word<T>(T value) where T : struct, Enum => char.ToLowerInvariant(value.ToString()[0]) + value.ToString()[1..];

    private static string Encode(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));

    /// <summary>The rest of a stream, which stays open, with a count of what has gone out.</summary>
    private sealed class ReportedContent(Stream content, Action<long> progress) : HttpContent
    {
        private readonly long length = content.Length - content.Position;

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var buffer = new byte[128 * 1024];
            for (int read; (read = await content.ReadAsync(buffer)) > 0;)
            {
                await stream.WriteAsync(buffer.AsMemory(0, read));
                progress(content.Position);
            }
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = length;
            return true;
        }
    }
}
