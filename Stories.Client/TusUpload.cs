using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Stories.Protocol;

namespace Stories.Client;

/// <summary>
/// A resumable upload by tus 1.0 (tus.io): after a cut connection, or one that stands still, it goes on where the service
/// stands. Tries are counted only while nothing arrives.
/// </summary>
internal sealed class TusUpload(HttpClient http, TimeProvider time)
{
    private static readonly TimeSpan Standstill = TimeSpan.FromSeconds(60);
    private static readonly MediaTypeHeaderValue OffsetStream = new("application/offset+octet-stream");

    /// <summary>Sends a seekable stream from its start and returns the upload's id; an upload that fails is taken back.</summary>
    public async Task<Guid> SendAsync(Stream content, Lane lane, Level level, Guid processingKey, Action<long> progress, CancellationToken cancellationToken)
    {
        // Whoever loses the answer leaves one behind that ends by itself within a day.
        var (location, upload) = await PassingTrouble.InsistAsync(() => BeginAsync(content, lane, level, processingKey, cancellationToken), time, cancellationToken);
        try
        {
            await SendAsync(location, content, progress, cancellationToken);
            return upload;
        }
        catch
        {
            // Otherwise it would count against the user's open uploads for a day.
            await Farewell.TryAsync(until => EndAsync(location, until));
            throw;
        }
    }

    public Task EndAsync(string location, CancellationToken cancellationToken) =>
        Deadline.KeepAsync(async until =>
        {
            using var request = Request(HttpMethod.Delete, location);
            using var response = await http.SendAsync(request, until);
            return response.IsSuccessStatusCode ? true : throw await StoriesProblemException.ReadAsync(response, until);
        }, time, cancellationToken);

    private async Task SendAsync(string location, Stream content, Action<long> progress, CancellationToken cancellationToken)
    {
        var (offset, furthest, isSure) = (0L, 0L, true);
        for (var round = 1; ; round++)
        {
            try
            {
                if (!isSure) offset = await OffsetAsync(location, content.Length, cancellationToken);
                progress(offset);
                if (offset == content.Length) return;
                if (offset > furthest) (furthest, round) = (offset, 1);
                isSure = false;
                var before = offset;
                offset = await PatchAsync(location, content, offset, progress, cancellationToken);
                if (offset <= before) throw new HttpRequestException(HttpRequestError.InvalidResponse, "The service took nothing of what was sent.");
                isSure = true;
            }
            catch (Exception e) when (IsPassing(e) && round < PassingTrouble.MostTries)
            {
                await Task.Delay(PassingTrouble.Wait(e, round), time, cancellationToken);
            }
        }
    }

    private Task<(string Location, Guid Id)> BeginAsync(Stream content, Lane lane, Level level, Guid processingKey, CancellationToken cancellationToken) =>
        Deadline.KeepAsync(async until =>
        {
            using var request = Request(HttpMethod.Post, "v1/uploads");
            request.Headers.Add("Upload-Length", content.Length.ToString(CultureInfo.InvariantCulture));
            request.Headers.Add("Upload-Metadata", $"lane {Encode(Word(lane))},level {Encode(Word(level))},key {Encode(processingKey.ToString())}");
            using var response = await http.SendAsync(request, until);
            if (response.StatusCode != HttpStatusCode.Created) throw await StoriesProblemException.ReadAsync(response, until);
            var location = response.Headers.Location?.OriginalString.Trim('/') ?? "";
            // Here, and nowhere else: what is asked for there has the user's token.
            return Guid.TryParse(location.Split('/')[^1], out var id) && Uri.IsWellFormedUriString(location, UriKind.Relative)
                ? (location, id)
                : throw new HttpRequestException(HttpRequestError.InvalidResponse, "The service did not say where to upload.");
        }, time, cancellationToken);

    private Task<long> OffsetAsync(string location, long length, CancellationToken cancellationToken) =>
        Deadline.KeepAsync(async until =>
        {
            using var request = Request(HttpMethod.Head, location);
            using var response = await http.SendAsync(request, until);
            return await ReadOffsetAsync(response, length, until);
        }, time, cancellationToken);

    private static async Task<long> ReadOffsetAsync(HttpResponseMessage response, long length, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode) throw await StoriesProblemException.ReadAsync(response, cancellationToken);
        return response.Headers.TryGetValues("Upload-Offset", out var values) && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var offset) && offset <= length
            ? offset
            : throw new HttpRequestException(HttpRequestError.InvalidResponse, "The service did not say where the upload stands.");
    }

    /// <returns>Where the upload stands then.</returns>
    private async Task<long> PatchAsync(string location, Stream content, long offset, Action<long> progress, CancellationToken cancellationToken)
    {
        content.Position = offset;
        using var limit = new CancellationTokenSource(Standstill, time);
        using var moving = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var request = Request(HttpMethod.Patch, location);
        request.Headers.Add("Upload-Offset", offset.ToString(CultureInfo.InvariantCulture));
        request.Content = new ReportedContent(content, sent =>
        {
            limit.CancelAfter(Standstill);
            progress(sent);
        })
        { Headers = { ContentType = OffsetStream } };
        try
        {
            using var response = await http.SendAsync(request, moving.Token);
            return await ReadOffsetAsync(response, content.Length, moving.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.Unknown, "The upload stands still.", e);
        }
    }

    private static bool IsPassing(Exception e) => PassingTrouble.Is(e) ||
        e is StoriesProblemException { Code: ProblemCodes.UploadOffsetConflict or ProblemCodes.UploadSuperseded };

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

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            var buffer = new byte[128 * 1024];
            for (int read; (read = await content.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
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
