using Azure.Core;
using Azure.Identity;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Stories.Core.Blobs;

/// <summary>One way to reach storage, for hosts and operator commands alike.</summary>
public static class BlobConnection
{
    public static IServiceCollection AddBlobConnection(this IServiceCollection services) => services
        .AddSingleton(provider => Open(provider.GetRequiredService<IOptions<BlobOptions>>().Value))
        .AddSingleton<StorageProbe>();

    internal static BlobServiceClient Open(BlobOptions options)
    {
        // Azurite refuses a version newer than it knows; this one both know.
        var client = new BlobClientOptions(BlobClientOptions.ServiceVersion.V2026_06_06)
        {
            Retry = { MaxRetries = 4, Mode = RetryMode.Exponential, Delay = TimeSpan.FromMilliseconds(200), MaxDelay = TimeSpan.FromSeconds(5), NetworkTimeout = TimeSpan.FromSeconds(30) },
            Diagnostics = { IsLoggingEnabled = false, IsDistributedTracingEnabled = false, IsTelemetryEnabled = false },
        };
        return options.ConnectionString is { Length: > 0 } text
            ? new BlobServiceClient(text, client)
            : new BlobServiceClient(options.ServiceUri, new DefaultAzureCredential(), client);
    }
}
