using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client;

/// <summary>
/// The service's routes, typed; docs/http.md explains them. Every call throws <see cref="StoriesProblemException"/> when the
/// service refuses, and <see cref="HttpRequestException"/> when it cannot be reached, does not answer in time, or answers
/// something else than the route gives. Safe for use by several threads.
/// </summary>
public sealed class StoriesClient : IDisposable
{
    private readonly HttpClient http;
    private readonly TimeProvider time;

    // Fifty opened stories are some 4 MB, an audience's devices 2; a service that never stops must not fill its client's memory.
    private const int MostAnswerBytes = 16 << 20;

    /// <summary>Makes a client for one user.</summary>
    /// <param name="service">The service's base address.</param>
    /// <param name="token">A bearer token that the user's app issued.</param>
    public StoriesClient(Uri service, string token) : this(service, _ => ValueTask.FromResult(token))
    {
    }

    /// <summary>Makes a client for one user whose token changes.</summary>
    /// <param name="service">The service's base address; a path in it stays in front of every route.</param>
    /// <param name="token">Gives a bearer token that is valid now; asked at each request, so it should keep one.</param>
    /// <param name="transport">Sends the requests, and is disposed with the client; null makes one. It must not follow redirects.</param>
    /// <param name="time">Measures silence, and the pauses of an upload; null is the system's.</param>
    public StoriesClient(Uri service, Func<CancellationToken, ValueTask<string>> token, HttpMessageHandler? transport = null, TimeProvider? time = null)
    {
        this.time = time ?? TimeProvider.System;
        transport ??= new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false };
        http = new HttpClient(new BearerHandler(token) { InnerHandler = transport })
        {
            BaseAddress = new Uri($"{service.AbsoluteUri.TrimEnd('/')}/"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MostAnswerBytes,
        };
    }

    /// <summary>For uploads, which speak tus.</summary>
    internal HttpClient Http => http;

    /// <summary>Registers a device; repeating it is harmless.</summary>
    public Task<DeviceView> RegisterDeviceAsync(DeviceRequest device, CancellationToken cancellationToken = default) =>
        SendAsync<DeviceView>(HttpMethod.Post, "v1/devices", device, cancellationToken);

    /// <summary>The devices of users of apps with which the caller's shares audiences; others are not in the answer.</summary>
    public Task<DeviceList> FindDevicesAsync(IEnumerable<UserName> users, CancellationToken cancellationToken = default) =>
        SendAsync<DeviceList>(HttpMethod.Post, "v1/devices/find", new DeviceSearch([.. users.Select(u => u.ToString())]), cancellationToken);

    /// <summary>The caller's own devices.</summary>
    public Task<DeviceList> ListDevicesAsync(CancellationToken cancellationToken = default) =>
        SendAsync<DeviceList>(HttpMethod.Get, "v1/devices", null, cancellationToken);

    /// <summary>Removes one of the caller's devices: it gets no key of a later epoch, and nothing that it signs is taken.</summary>
    public Task RemoveDeviceAsync(Guid device, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Delete, $"v1/devices/{device}", cancellationToken);

    /// <summary>Founds an audience (epoch 1) or changes it (the next epoch).</summary>
    public Task<AudienceView> BeginEpochAsync(Guid audience, int number, EpochRequest epoch, CancellationToken cancellationToken = default) =>
        SendAsync<AudienceView>(HttpMethod.Put, $"v1/audiences/{audience}/epochs/{number}", epoch, cancellationToken);

    /// <summary>The audiences that the caller owns, with their members, and those that the caller is a member of, without.</summary>
    public Task<AudienceList> ListAudiencesAsync(CancellationToken cancellationToken = default) =>
        SendAsync<AudienceList>(HttpMethod.Get, "v1/audiences", null, cancellationToken);

    /// <summary>One audience as the caller may see it.</summary>
    public Task<AudienceView> ReadAudienceAsync(Guid audience, CancellationToken cancellationToken = default) =>
        SendAsync<AudienceView>(HttpMethod.Get, $"v1/audiences/{audience}", null, cancellationToken);

    /// <summary>Deletes one of the caller's own audiences, with all stories that were posted to it.</summary>
    public Task DeleteAudienceAsync(Guid audience, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Delete, $"v1/audiences/{audience}", cancellationToken);

    /// <summary>An epoch's key for one of the caller's devices.</summary>
    public Task<EpochView> ReadEpochAsync(Guid audience, int number, Guid device, CancellationToken cancellationToken = default) =>
        SendAsync<EpochView>(HttpMethod.Get, $"v1/audiences/{audience}/epochs/{number}?device={device}", null, cancellationToken);

    /// <summary>The processing keys that uploads may name now, and the service's signing key.</summary>
    public Task<KeyList> ListKeysAsync(CancellationToken cancellationToken = default) =>
        SendAsync<KeyList>(HttpMethod.Get, "v1/keys", null, cancellationToken);

    /// <summary>
    /// Uploads ciphertext by tus, going on after a cut connection, until the service has all of it or eight tries in a row have brought nothing: half a minute
    /// without a service, a quarter of an hour with one that stays silent. Asked to wait, it waits, at most 30 s at a time.
    /// </summary>
    /// <param name="ciphertext">An age file, encrypted to the processing key; seekable, sent from its start to its end, and left open.</param>
    /// <param name="lane">What the worker should expect.</param>
    /// <param name="level">The level of the story that it is for.</param>
    /// <param name="processingKey">The id of the key that it is encrypted to.</param>
    /// <param name="progress">Bytes that have gone out so far; after a cut it falls back to what has arrived.</param>
    /// <param name="cancellationToken">Ends the upload and takes it back.</param>
    /// <returns>The upload's id, for <see cref="PublishRequest.Uploads"/>.</returns>
    public Task<Guid> UploadAsync(Stream ciphertext, Lane lane, Level level, Guid processingKey, Action<long>? progress = null, CancellationToken cancellationToken = default) =>
        new TusUpload(http, time).SendAsync(ciphertext, lane, level, processingKey, progress ?? (_ => { }), cancellationToken);

    /// <summary>Takes back an upload that no story uses.</summary>
    public Task EndUploadAsync(Guid upload, CancellationToken cancellationToken = default) => new TusUpload(http, time).EndAsync($"v1/uploads/{upload}", cancellationToken);

    /// <summary>Publishes; repeating the same request is harmless.</summary>
    public Task<StoryProgress> PublishAsync(Guid story, PublishRequest request, CancellationToken cancellationToken = default) =>
        SendAsync<StoryProgress>(HttpMethod.Put, $"v1/stories/{story}", request, cancellationToken);

    /// <summary>How far one of the caller's own stories is.</summary>
    public Task<StoryProgress> WatchProgressAsync(Guid story, CancellationToken cancellationToken = default) =>
        SendAsync<StoryProgress>(HttpMethod.Get, $"v1/stories/{story}/progress", null, cancellationToken);

    /// <summary>Takes one of the caller's own stories back.</summary>
    public Task WithdrawAsync(Guid story, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Delete, $"v1/stories/{story}", cancellationToken);

    /// <summary>A bucket's erasure record, for whoever holds a leaf that stands in it; not verified yet (<see cref="ErasureRecord.FindFault"/>).</summary>
    /// <param name="bucket">The ticket's.</param>
    /// <param name="leaf">The ticket's, 32 bytes.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    /// <exception cref="StoriesProblemException"><c>erasure.pending</c>: not erased yet. <c>notFound</c>: there is no such bucket or no such leaf in it, or no more.</exception>
    public Task<SignedRecord> ReadErasureAsync(Guid bucket, ReadOnlyMemory<byte> leaf, CancellationToken cancellationToken = default) =>
        SendAsync<SignedRecord>(HttpMethod.Get, $"v1/erasures/{bucket}?leaf={Base64Url.EncodeToString(leaf.Span)}", null, cancellationToken);

    /// <summary>Who has live stories for the caller.</summary>
    public Task<TrayView> ShowTrayAsync(CancellationToken cancellationToken = default) => SendAsync<TrayView>(HttpMethod.Get, "v1/tray", null, cancellationToken);

    /// <summary>All live stories of one audience, the caller's own among them.</summary>
    public Task<StoryList> ListStoriesAsync(Guid audience, CancellationToken cancellationToken = default) =>
        SendAsync<StoryList>(HttpMethod.Get, $"v1/audiences/{audience}/stories", null, cancellationToken);

    /// <summary>What a device needs to show a story.</summary>
    public Task<StoryView> OpenAsync(Guid story, CancellationToken cancellationToken = default) =>
        SendAsync<StoryView>(HttpMethod.Get, $"v1/stories/{story}", null, cancellationToken);

    /// <summary>The same for up to 50 stories at once; those that the caller may not see are not in the answer.</summary>
    public Task<OpenAnswer> OpenManyAsync(IReadOnlyList<Guid> stories, CancellationToken cancellationToken = default) =>
        SendAsync<OpenAnswer>(HttpMethod.Post, "v1/stories/open", new OpenRequest(stories), cancellationToken);

    /// <summary>Marks a story as seen, for the order of the caller's own tray.</summary>
    public Task MarkSeenAsync(Guid story, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Put, $"v1/stories/{story}/seen", cancellationToken);

    /// <summary>The catalog of sponsored statuses for a cell; not verified yet (<see cref="Catalog.FindFault(SignedRecord, ReadOnlySpan{byte}, string?, Cell, DateTimeOffset, out Catalog?)"/>).</summary>
    /// <param name="cell">Its app is told by the caller's token, and not sent.</param>
    /// <param name="etag">Of the one that the device has, as it came; null when it has none.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    /// <returns>Null when the device has it already.</returns>
    public Task<FetchedCatalog?> ReadCatalogAsync(Cell cell, string? etag = null, CancellationToken cancellationToken = default)
    {
        var query = $"placement={Word(cell.Placement)}&age={Word(cell.Age)}" + Named("country", cell.Country) + Named("language", cell.Language);
        return Deadline.KeepAsync(async until =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"v1/ads/catalog?{query}");
            if (EntityTagHeaderValue.TryParse(etag, out var tag)) request.Headers.IfNoneMatch.Add(tag);
            using var response = await http.SendAsync(request, until);
            if (response.StatusCode == HttpStatusCode.NotModified) return null;
            if (!response.IsSuccessStatusCode) throw await StoriesProblemException.ReadAsync(response, until);
            return new FetchedCatalog(await ReadAsync<SignedRecord>(response, until), response.Headers.ETag?.ToString());
        }, time, cancellationToken);

        static string Word<T>(T value) where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

        static string Named(string name, string? value) => value is null ? "" : $"&{name}={Uri.EscapeDataString(value)}";
    }

    /// <summary>Tells what was shown; repeating it changes nothing.</summary>
    /// <param name="records">At most 50, in an order that says nothing.</param>
    /// <param name="opportunities">Of the few hours that this device tells of; at most 50.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    /// <returns>Which of them the device need not keep: those that the service has, and those that it will never take.</returns>
    public async Task<IReadOnlyList<Guid>> SubmitRecordsAsync(IReadOnlyList<AdRecord> records, IReadOnlyList<OpportunityTally> opportunities, CancellationToken cancellationToken = default)
    {
        var answer = await SendAsync<RecordsAnswer>(HttpMethod.Post, "v1/ads/records", new RecordsRequest(records, opportunities.Count == 0 ? null : opportunities), cancellationToken);
        return [.. answer.Accepted, .. answer.Refused.Select(r => r.Id)];
    }

    /// <summary>
    /// Erases everything of a user: stories, uploads, devices, audiences, memberships. The caller's own self, or with the scope
    /// <c>moderate</c> any user of the caller's app.
    /// </summary>
    public Task EraseUserAsync(UserName user, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Post, "v1/users/erase", new UserErasure(user.ToString()), Nothing, cancellationToken);

    /// <summary>For moderators: takes a story down, for good. Its author is told the reason.</summary>
    public Task TakeDownAsync(Guid story, TakedownReason reason, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Post, $"v1/stories/{story}/takedown", new TakedownRequest(reason), Nothing, cancellationToken);

    /// <summary>For operators: how many stories were taken down in the last days, and why.</summary>
    public Task<TakedownReport> ShowTakedownsAsync(int days, CancellationToken cancellationToken = default) =>
        SendAsync<TakedownReport>(HttpMethod.Get, $"v1/takedowns?days={days}", null, cancellationToken);

    /// <summary>For operators: what dies when.</summary>
    public Task<BucketList> ListBucketsAsync(CancellationToken cancellationToken = default) => SendAsync<BucketList>(HttpMethod.Get, "v1/buckets", null, cancellationToken);

    /// <summary>For operators: one bucket, and what is really left of it.</summary>
    public Task<BucketView> ShowBucketAsync(Guid bucket, CancellationToken cancellationToken = default) =>
        SendAsync<BucketView>(HttpMethod.Get, $"v1/buckets/{bucket}", null, cancellationToken);

    /// <summary>For operators: how long erasure took, and what is overdue.</summary>
    public Task<ErasureView> ShowErasuresAsync(CancellationToken cancellationToken = default) => SendAsync<ErasureView>(HttpMethod.Get, "v1/erasures", null, cancellationToken);

    /// <summary>Closes the connections.</summary>
    public void Dispose() => http.Dispose();

    internal Task<T> SendAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancellationToken, string? idempotencyKey = null) where T : class =>
        SendAsync(method, path, body, ReadAsync<T>, cancellationToken, idempotencyKey);

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken) where T : class
    {
        try
        {
            return await Answer.ReadAsync<T>(response.Content, cancellationToken);
        }
        catch (JsonException e)
        {
            throw new HttpRequestException(HttpRequestError.InvalidResponse, "The answer is not what this route gives.", e, response.StatusCode);
        }
    }

    internal Task<bool> SendAsync(HttpMethod method, string path, CancellationToken cancellationToken) =>
        SendAsync(method, path, null, Nothing, cancellationToken);

    private static Task<bool> Nothing(HttpResponseMessage response, CancellationToken cancellationToken) => Task.FromResult(true);

    private async Task<T> SendAsync<T>(
        HttpMethod method, string path, object? body, Func<HttpResponseMessage, CancellationToken, Task<T>> read, CancellationToken cancellationToken, string? idempotencyKey = null)
    {
        using var content = body is null ? null : JsonContent.Create(body, body.GetType(), options: StoriesJson.Options);
        return await Deadline.KeepAsync(async until =>
        {
            using var request = new HttpRequestMessage(method, path) { Content = content };
            if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
            using var response = await http.SendAsync(request, until);
            if (!response.IsSuccessStatusCode) throw await StoriesProblemException.ReadAsync(response, until);
            return await read(response, until);
        }, time, cancellationToken);
    }
}

/// <summary>A catalog as it came.</summary>
/// <param name="Record">What the service signed.</param>
/// <param name="ETag">Names these bytes, to ask for others only; null when the service gives none.</param>
public sealed record FetchedCatalog(SignedRecord Record, string? ETag);
