using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Extensions.Options;

namespace Stories.Core.Blobs;

/// <summary>
/// Asks the storage account whether it would keep what we delete, on a container made for the question: looks at the
/// account's delete retention, overwrites a blob and looks for the old version, deletes it and looks among the deleted.
/// What the data plane cannot say (replication, backups by others) is listed in docs/operations.md.
/// </summary>
public sealed class RetentionProbe(BlobServiceClient service, IOptions<BlobOptions> options)
{
    /// <returns>The settings that would keep deleted data, each by the name under which an operator finds it.</returns>
    public async Task<IReadOnlyList<string>> FindAsync(CancellationToken cancellationToken)
    {
        var found = new List<string>();
        if ((await service.GetPropertiesAsync(cancellationToken)).Value.DeleteRetentionPolicy is { Enabled: true })
            found.Add("blob soft delete (DeleteRetentionPolicy)");

        var container = service.GetBlobContainerClient(BlobNames.Canary(options.Value.Deployment));
        await container.CreateAsync(cancellationToken: cancellationToken);
        try
        {
            var properties = (await container.GetPropertiesAsync(cancellationToken: cancellationToken)).Value;
            if (properties.HasImmutabilityPolicy is true) found.Add("an immutability policy (container)");
            if (properties.HasImmutableStorageWithVersioning) found.Add("version-level immutability");
            if (properties.HasLegalHold is true) found.Add("a legal hold");

            var blob = container.GetBlockBlobClient(BlobNames.NewBlob());
            for (var round = 0; round < 2; round++)
                await blob.UploadAsync(BinaryData.FromString("canary").ToStream(), new BlobUploadOptions(), cancellationToken);
            await blob.DeleteAsync(cancellationToken: cancellationToken);
            await foreach (var left in container.GetBlobsAsync(new GetBlobsOptions { States = BlobStates.Deleted | BlobStates.Version }, cancellationToken))
                found.Add(left.VersionId is not null ? "blob versioning (IsVersioningEnabled)" : "blob soft delete (DeleteRetentionPolicy)");
        }
        finally
        {
            await container.DeleteAsync(cancellationToken: CancellationToken.None);
        }

        await foreach (var deleted in service.GetBlobContainersAsync(BlobContainerTraits.None, BlobContainerStates.Deleted, container.Name, cancellationToken))
            if (deleted.IsDeleted is true) found.Add("container soft delete (ContainerDeleteRetentionPolicy)");
        return [.. found.Distinct()];
    }
}
