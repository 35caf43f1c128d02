using Microsoft.Extensions.Options;

namespace Stories.Core.Blobs;

/// <summary>What storage must have before a host starts. Safe to repeat.</summary>
public static class StorageSetup
{
    /// <param name="origins">Whose pages may read blobs by their signed URLs; storage keeps a list of its own.</param>
    public static async Task PrepareAsync(BlobOptions options, IReadOnlyList<string> origins, CancellationToken cancellationToken)
    {
        var service = BlobConnection.Open(options);
        await new IngestBlobs(service, Options.Create(options)).CreateContainerAsync(cancellationToken);
        await BlobCors.ApplyAsync(service, origins, cancellationToken);
    }
}
