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
    private const string BlobSoftDelete = "blob soft delete (DeleteRetentionPolicy)";
    private const string ContainerSoftDelete = "container soft delete (ContainerDeleteRetentionPolicy)";
    private const string Versioning = "blob versioning (IsVersioningEnabled)";
    private const string ContainerPolicy = "an immutability policy (container)";
    private const string VersionPolicy = "version-level immutability (ImmutableStorageWithVersioning)";
    private const string LegalHold = "a legal hold";

    /// <summary>No probe takes so long: a canary of this age is a killed host's.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(10);

    /// <summary>Storage may list a deleted container late; the next time we ask, it does.</summary>
    private string? last;

    /// <returns>The settings that would keep deleted data, each by the name under which an operator finds it.</returns>
    public async Task<IReadOnlyList<string>> FindAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var found = new HashSet<string>();
        if ((await service.GetPropertiesAsync(cancellationToken)).Value.DeleteRetentionPolicy is { Enabled: true }) found.Add(BlobSoftDelete);

        var container = service.GetBlobContainerClient(BlobNames.Canary(options.Value.Deployment));
        await container.CreateAsync(cancellationToken: cancellationToken);
        try
        {
            var properties = (await container.GetPropertiesAsync(cancellationToken: cancellationToken)).Value;
            if (properties.HasImmutabilityPolicy is true) found.Add(ContainerPolicy);
            if (properties.HasImmutableStorageWithVersioning) found.Add(VersionPolicy);
            if (properties.HasLegalHold is true) found.Add(LegalHold);
            await TryBlobAsync(container, found, cancellationToken);
        }
        finally
        {
            await DeleteAsync(container, found);
        }

        if (await IsKeptAsync(container.Name, cancellationToken) || (last is { } before && await IsKeptAsync(before, cancellationToken))) found.Add(ContainerSoftDelete);
        last = container.Name;
        await DeleteForgottenAsync(now, cancellationToken);
        return [.. found];
    }

    private static async Task TryBlobAsync(BlobContainerClient container, HashSet<string> found, CancellationToken cancellationToken)
    {
        var blob = container.GetBlockBlobClient(BlobNames.NewBlob());
        try
        {
            for (var round = 0; round < 2; round++)
                await blob.UploadAsync(BinaryData.FromString("canary").ToStream(), new BlobUploadOptions(), cancellationToken);
            await blob.DeleteAsync(cancellationToken: cancellationToken);
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobImmutableDueToPolicy)
        {
            found.Add(ContainerPolicy);
        }
        catch (RequestFailedException e) when (e.ErrorCode == "BlobImmutableDueToLegalHold")
        {
            found.Add(LegalHold);
        }
        await foreach (var left in container.GetBlobsAsync(new GetBlobsOptions { States = BlobStates.Deleted | BlobStates.Version }, cancellationToken))
        {
            if (left.VersionId is not null) found.Add(Versioning);
            if (left.Deleted) found.Add(BlobSoftDelete);
        }
    }

    private static async Task DeleteAsync(BlobContainerClient container, HashSet<string> found)
    {
        try
        {
            await container.DeleteAsync(cancellationToken: CancellationToken.None);
        }
        catch (RequestFailedException e) when (e.Status == 409 && found.Count > 0)
        {
            // What was found is what forbids it; a later probe deletes it when that is over.
        }
    }

    private async Task<bool> IsKeptAsync(string container, CancellationToken cancellationToken)
    {
        await foreach (var deleted in service.GetBlobContainersAsync(BlobContainerTraits.None, BlobContainerStates.Deleted, container, cancellationToken))
            if (deleted.Name == container && deleted.IsDeleted is true) return true;
        return false;
    }

    /// <summary>Only this deployment's.</summary>
    private async Task DeleteForgottenAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await foreach (var canary in service.GetBlobContainersAsync(BlobContainerTraits.None, BlobContainerStates.None, BlobNames.Canaries(options.Value.Deployment), cancellationToken))
        {
            if (canary.Properties.LastModified > now - Forgotten) continue;
            try
            {
                await service.GetBlobContainerClient(canary.Name).DeleteIfExistsAsync(cancellationToken: cancellationToken);
            }
            catch (RequestFailedException e) when (e.Status is 409 or 412)
            {
                // Held by something, or on its way out: it is empty, and the next probe tries again.
            }
        }
    }
}
