using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Sponsored;

/// <summary>
/// Creatives of the caller's own advertiser, what reviewers do about them, and the public repository; docs/http.md explains the routes. Errors
/// are those of <see cref="StoriesClient"/>. Writes take an idempotency key as <see cref="AdsClient"/>'s do.
/// </summary>
/// <param name="client">Says whom the calls are for; it stays the caller's.</param>
public sealed class AdCreatives(StoriesClient client)
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);

    /// <summary>A draft with these facts.</summary>
    public Task<CreativeView> PrepareAsync(CreativeFacts facts, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<CreativeView>(HttpMethod.Post, "v1/ads/creatives", new CreativeRequest(facts), key, cancellationToken);

    /// <summary>Other facts for a draft.</summary>
    public Task<CreativeView> ChangeAsync(Guid creative, CreativeFacts facts, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<CreativeView>(HttpMethod.Put, $"v1/ads/creatives/{creative}/facts", new CreativeRequest(facts), key, cancellationToken);

    /// <summary>Has the service make the draft of an upload of level <see cref="Level.Clear"/>.</summary>
    /// <param name="creative">Its id.</param>
    /// <param name="upload">From <see cref="Poster.UploadAsync(string, Level, Action{PostStep, int}, CancellationToken)"/>.</param>
    /// <param name="ciphertext">The same.</param>
    /// <param name="key">An idempotency key.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public Task<CreativeView> MakeAsync(Guid creative, Guid upload, Digest ciphertext, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<CreativeView>(HttpMethod.Post, $"v1/ads/creatives/{creative}/process", new CreativeMaking(upload, ciphertext), key, cancellationToken);

    /// <summary>Waits until it is made, or refused with a code.</summary>
    /// <param name="creative">Its id.</param>
    /// <param name="cancellationToken">Ends the waiting; the service goes on.</param>
    public async Task<CreativeView> FollowAsync(Guid creative, CancellationToken cancellationToken = default)
    {
        for (; ; await Task.Delay(Glance, TimeProvider.System, cancellationToken))
            if (await ReadAsync(creative, cancellationToken) is { State: not CreativeState.Processing } end) return end;
    }

    /// <summary>One of the caller's own, with addresses of its media for ten minutes.</summary>
    public Task<CreativeView> ReadAsync(Guid creative, CancellationToken cancellationToken = default) =>
        client.SendAsync<CreativeView>(HttpMethod.Get, $"v1/ads/creatives/{creative}", null, cancellationToken);

    /// <summary>All of the caller's own, oldest first.</summary>
    public Task<CreativeList> ListAsync(CancellationToken cancellationToken = default) => client.SendAsync<CreativeList>(HttpMethod.Get, "v1/ads/creatives", null, cancellationToken);

    /// <summary>Hands it in for review; it does not change any more.</summary>
    public Task<CreativeView> SubmitAsync(Guid creative, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<CreativeView>(HttpMethod.Post, $"v1/ads/creatives/{creative}/submit", null, key, cancellationToken);

    /// <summary>Asks once for another look at a refused one.</summary>
    /// <param name="creative">Its id.</param>
    /// <param name="note">Why, up to 1,000 characters.</param>
    /// <param name="key">An idempotency key.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public Task<CreativeView> AppealAsync(Guid creative, string note, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<CreativeView>(HttpMethod.Post, $"v1/ads/creatives/{creative}/appeal", new AppealRequest(note), key, cancellationToken);

    /// <summary>Withdraws it: handed out to nobody from the answer on.</summary>
    public Task<CreativeView> WithdrawAsync(Guid creative, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<CreativeView>(HttpMethod.Delete, $"v1/ads/creatives/{creative}", null, key, cancellationToken);

    /// <summary>For reviewers: what waits, longest first, up to 100.</summary>
    public Task<ReviewQueue> ListReviewsAsync(CancellationToken cancellationToken = default) => client.SendAsync<ReviewQueue>(HttpMethod.Get, "v1/ads/reviews", null, cancellationToken);

    /// <summary>For reviewers: approves, rejects, or suspends what was approved.</summary>
    public Task<CreativeView> ReviewAsync(Guid creative, ReviewRequest review, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<CreativeView>(HttpMethod.Post, $"v1/ads/reviews/{creative}", review, key, cancellationToken);

    /// <summary>What was shown within the last year, newest first, 50 at a time.</summary>
    /// <param name="before">The page before's <see cref="AdRepository.Before"/>; null begins.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public Task<AdRepository> ShowRepositoryAsync(string? before = null, CancellationToken cancellationToken = default) =>
        client.SendAsync<AdRepository>(HttpMethod.Get, before is not null ? $"v1/ads/repository?before={Uri.EscapeDataString(before)}" : "v1/ads/repository", null, cancellationToken);

    /// <summary>For reviewers: has the bytes of what may not lie anywhere erased, within seconds. That it was shown stays known.</summary>
    public Task EraseAsync(string digest, ReviewReason reason, CancellationToken cancellationToken = default) =>
        client.SendAsync(HttpMethod.Delete, $"v1/ads/repository/{digest}?reason={reason}", cancellationToken);

    private Task<T> WriteAsync<T>(HttpMethod method, string path, object? body, string? key, CancellationToken cancellationToken) where T : class =>
        client.SendAsync<T>(method, path, body, cancellationToken, key ?? Guid.NewGuid().ToString("N"));
}
