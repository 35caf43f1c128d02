using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace Stories.Core.Blobs;

/// <summary>Which pages may read blobs by their signed URLs.</summary>
public static class BlobCors
{
    public static async Task ApplyAsync(BlobServiceClient service, IReadOnlyList<string> origins, CancellationToken cancellationToken)
    {
        // Read, change, write back: a fresh properties object is refused.
        var properties = (await service.GetPropertiesAsync(cancellationToken)).Value;
        properties.Cors.Clear();
        if (origins.Count > 0)
        {
            properties.Cors.Add(new BlobCorsRule
            {
                AllowedOrigins = string.Join(',', origins),
                AllowedMethods = "GET,HEAD,OPTIONS",
                AllowedHeaders = "range,x-ms-*",
                ExposedHeaders = "content-range,content-length,accept-ranges,etag",
                MaxAgeInSeconds = 600,
            });
        }
        await service.SetPropertiesAsync(properties, cancellationToken);
    }
}
