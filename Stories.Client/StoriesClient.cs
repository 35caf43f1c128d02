using System.Net.Http.Headers;
using System.Net.Http.Json;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client;

/// <summary>
/// The service's routes, typed (docs/http.md). Every call throws <see cref="StoriesProblemException"/> when the service
/// refuses, and <see cref="HttpRequestException"/> when it cannot be reached.
/// </summary>
public sealed class StoriesClient : IDisposable
{
    private readonly HttpClient http;

    /// <summary>Makes a client for one user.</summary>
    /// <param name="service">The service's base address.</param>
    /// <param name="token">A bearer token that the user's app issued.</param>
    public StoriesClient(Uri service, string token)
    {
        http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { BaseAddress = service, Timeout = TimeSpan.FromMinutes(10) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
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

    /// <summary>Founds an audience (epoch 1) or changes it (the next epoch).</summary>
    public Task<AudienceView> BeginEpochAsync(Guid audience, int number, EpochRequest epoch, CancellationToken cancellationToken = default) =>
        SendAsync<AudienceView>(HttpMethod.Put, $"v1/audiences/{audience}/epochs/{number}", epoch, cancellationToken);

    /// <summary>One audience as the caller may see it.</summary>
    public Task<AudienceView> ReadAudienceAsync(Guid audience, CancellationToken cancellationToken = default) =>
        SendAsync<AudienceView>(HttpMethod.Get, $"v1/audiences/{audience}", null, cancellationToken);

    /// <summary>An epoch's key for one of the caller's devices.</summary>
    public Task<EpochView> ReadEpochAsync(Guid audience, int number, Guid device, CancellationToken cancellationToken = default) =>
        SendAsync<EpochView>(HttpMethod.Get, $"v1/audiences/{audience}/epochs/{number}?device={device}", null, cancellationToken);

    /// <summary>The processing keys that uploads may name now, and the service's signing key.</summary>
    public Task<KeyList> ListKeysAsync(CancellationToken cancellationToken = default) =>
        SendAsync<KeyList>(HttpMethod.Get, "v1/keys", null, cancellationToken);

    /// <summary>Publishes; repeating the same request is harmless.</summary>
    public Task<StoryProgress> PublishAsync(Guid story, PublishRequest request, CancellationToken cancellationToken = default) =>
        SendAsync<StoryProgress>(HttpMethod.Put, $"v1/stories/{story}", request, cancellationToken);

    /// <summary>How far one of the caller's own stories is.</summary>
    public Task<StoryProgress> WatchProgressAsync(Guid story, CancellationToken cancellationToken = default) =>
        SendAsync<StoryProgress>(HttpMethod.Get, $"v1/stories/{story}/progress", null, cancellationToken);

    /// <summary>Takes one of the caller's own stories back.</summary>
    public Task WithdrawAsync(Guid story, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Delete, $"v1/stories/{story}", cancellationToken);

    /// <summary>Who has live stories for the caller.</summary>
    public Task<TrayView> ShowTrayAsync(CancellationToken cancellationToken = default) => SendAsync<TrayView>(HttpMethod.Get, "v1/tray", null, cancellationToken);

    /// <summary>All live stories of one audience, the caller's own among them.</summary>
    public Task<StoryList> ListStoriesAsync(Guid audience, CancellationToken cancellationToken = default) =>
        SendAsync<StoryList>(HttpMethod.Get, $"v1/audiences/{audience}/stories", null, cancellationToken);

    /// <summary>What a device needs to show a story.</summary>
    public Task<StoryView> OpenAsync(Guid story, CancellationToken cancellationToken = default) =>
        SendAsync<StoryView>(HttpMethod.Get, $"v1/stories/{story}", null, cancellationToken);

    /// <summary>Marks a story as seen, for the order of the caller's own tray.</summary>
    public Task MarkSeenAsync(Guid story, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Put, $"v1/stories/{story}/seen", cancellationToken);

    /// <summary>For operators: what dies when.</summary>
    public Task<BucketList> ListBucketsAsync(CancellationToken cancellationToken = default) => SendAsync<BucketList>(HttpMethod.Get, "v1/buckets", null, cancellationToken);

    /// <summary>For operators: one bucket, and what is really left of it.</summary>
    public Task<BucketView> ShowBucketAsync(Guid bucket, CancellationToken cancellationToken = default) =>
        SendAsync<BucketView>(HttpMethod.Get, $"v1/buckets/{bucket}", null, cancellationToken);

    /// <summary>Closes the connections.</summary>
    public void Dispose() => http.Dispose();

    private async Task<T> SendAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = JsonContent.Create(body, body.GetType(), options: StoriesJson.Options);
        using var response = await http.SendAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode) throw await StoriesProblemException.ReadAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync<T>(StoriesJson.Options, cancellationToken))!;
    }

    private async Task SendAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        using var response = await http.SendAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode) throw await StoriesProblemException.ReadAsync(response, cancellationToken);
    }
}
