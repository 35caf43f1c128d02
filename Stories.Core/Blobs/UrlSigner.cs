using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Sas;
using Microsoft.Extensions.Options;

namespace Stories.Core.Blobs;

/// <summary>How storage is told to answer for one blob.</summary>
/// <param name="MediaType">Forced, whatever the blob says of itself.</param>
/// <param name="Inline">False: a browser that opens the URL saves it instead of showing it.</param>
public readonly record struct ServedAs(string MediaType, bool Inline)
{
    /// <summary>Ciphertext.</summary>
    public static ServedAs Sealed => new("application/octet-stream", Inline: false);
}

/// <summary>Short-lived read URLs for one blob each, signed with the account key or with a user-delegation key.</summary>
public sealed class UrlSigner(BlobServiceClient service, IOptions<BlobOptions> options, TimeProvider clock) : IDisposable
{
    /// <summary>Azure allows 7 days; a day keeps a leaked key short.</summary>
    private static readonly TimeSpan DelegationLife = TimeSpan.FromDays(1);

    /// <summary>Does not depend on the second of asking, or no two viewers would share a URL.</summary>
    private static readonly TimeSpan CachedFor = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim renewing = new(1, 1);
    private UserDelegationKey? delegation;
    private DateTimeOffset renewAt;

    /// <summary>The same arguments give the same URL, so that caches can share it.</summary>
    public async ValueTask<string> SignAsync(string container, string blob, ServedAs served, DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var client = service.GetBlobContainerClient(container).GetBlobClient(blob);
        var builder = new BlobSasBuilder(BlobSasPermissions.Read, expiresAt)
        {
            BlobContainerName = container,
            BlobName = blob,
            Resource = "b",
            Protocol = service.Uri.Scheme == "https" ? SasProtocol.Https : SasProtocol.HttpsAndHttp,
            ContentType = served.MediaType,
            ContentDisposition = served.Inline ? "inline" : "attachment",
            CacheControl = expiresAt - now < CachedFor ? "no-store" : $"{(served.Inline ? "private" : "public")}, max-age={CachedFor.TotalSeconds}",
        };
        var uri = client.CanGenerateSasUri
            ? client.GenerateSasUri(builder)
            : client.GenerateUserDelegationSasUri(builder, await DelegationAsync(now, cancellationToken));
        return options.Value.PublicEndpoint is { } endpoint ? new Uri(endpoint, uri.PathAndQuery).AbsoluteUri : uri.AbsoluteUri;
    }

    public void Dispose() => renewing.Dispose();

    private async ValueTask<UserDelegationKey> DelegationAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (delegation is { } fresh && now < renewAt) return fresh;
        await renewing.WaitAsync(cancellationToken);
        try
        {
            if (delegation is { } renewed && now < renewAt) return renewed;
            var answer = await service.GetUserDelegationKeyAsync(new BlobGetUserDelegationKeyOptions(now + DelegationLife), cancellationToken);
            (delegation, renewAt) = (answer.Value, now + DelegationLife / 2);
            return answer.Value;
        }
        finally
        {
            renewing.Release();
        }
    }
}
