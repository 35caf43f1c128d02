using Azure.Storage.Blobs;
using Microsoft.Extensions.Options;

namespace Stories.Core.Blobs;

/// <summary>A creative's bytes: a container for each, which lives by its lines and the repository and not for a day.</summary>
public sealed class CreativeBlobs(BlobServiceClient service, BucketBlobs blobs, IOptions<BlobOptions> options)
{
    /// <summary>A row names it before it is there: no container is nobody's.</summary>
    public string NewContainer() => BlobNames.Creative(options.Value.Deployment);

    public Task CreateContainerAsync(string container, CancellationToken cancellationToken) =>
        service.GetBlobContainerClient(container).CreateIfNotExistsAsync(metadata: new Dictionary<string, string> { [BucketBlobs.DeploymentKey] = options.Value.Deployment }, cancellationToken: cancellationToken);

    /// <returns>False when the container is gone: somebody else has begun anew.</returns>
    public Task<bool> WriteAsync(string container, string blob, Stream content, string mediaType, CancellationToken cancellationToken) =>
        blobs.WriteAsync(container, blob, content, mediaType, cancellationToken);

    /// <summary>Repeatable.</summary>
    /// <returns>Whether storage says that it is not there any more.</returns>
    public async Task<bool> DeleteAsync(string container, CancellationToken cancellationToken)
    {
        await blobs.DeleteContainerAsync(container, cancellationToken);
        return !await blobs.ContainerExistsAsync(container, cancellationToken);
    }
}
