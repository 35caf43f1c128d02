using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Extensions.Options;

namespace Stories.Core.Blobs;

/// <param name="EndsAt">As its name says.</param>
/// <param name="ChangedAt">When it was made: nothing of ours changes a container later.</param>
public sealed record StoredContainer(string Name, DateTimeOffset EndsAt, DateTimeOffset ChangedAt);

/// <param name="WrittenAt">Null for blocks that were never committed: storage may not say when they came.</param>
public sealed record StoredBlob(string Name, long Length, DateTimeOffset? WrittenAt);

/// <summary>
/// What storage holds of this deployment, as it lists it: page by page, in the order of names. Another deployment on the same account
/// is not seen at all.
/// </summary>
public sealed class BlobInventory(BlobServiceClient service, IOptions<BlobOptions> options)
{
    private readonly string deployment = options.Value.Deployment;

    /// <summary>Ours by name and by what was written on them when they were made: either alone may be somebody else's accident.</summary>
    public async IAsyncEnumerable<StoredContainer> BucketsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var container in service.GetBlobContainersAsync(BlobContainerTraits.Metadata, cancellationToken: cancellationToken))
        {
            if (BlobNames.TryReadBucket(deployment, container.Name, out var endsAt) &&
                container.Properties.Metadata is { } metadata && metadata.TryGetValue(BucketBlobs.DeploymentKey, out var whose) && whose == deployment)
                yield return new StoredContainer(container.Name, endsAt, container.Properties.LastModified);
        }
    }

    /// <summary>The same of those with creatives, in which no end is named.</summary>
    public async IAsyncEnumerable<(string Name, DateTimeOffset MadeAt)> CreativesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var container in service.GetBlobContainersAsync(BlobContainerTraits.Metadata, prefix: BlobNames.Creatives(deployment), cancellationToken: cancellationToken))
        {
            if (container.Properties.Metadata is { } metadata && metadata.TryGetValue(BucketBlobs.DeploymentKey, out var whose) && whose == deployment)
                yield return (container.Name, container.Properties.LastModified);
        }
    }

    /// <summary>Nothing when there is no such container.</summary>
    public IAsyncEnumerable<StoredBlob> BlobsAsync(string container, CancellationToken cancellationToken) => ListAsync(container, BlobStates.Uncommitted, cancellationToken);

    /// <param name="withBlocks">Also what has only blocks that were never committed.</param>
    public IAsyncEnumerable<StoredBlob> IngestAsync(bool withBlocks, CancellationToken cancellationToken) =>
        ListAsync(BlobNames.Ingest(deployment), withBlocks ? BlobStates.Uncommitted : BlobStates.None, cancellationToken);

    /// <returns>Null when the blob, or its container, is not there.</returns>
    public async Task<long?> FindLengthAsync(string container, string blob, CancellationToken cancellationToken)
    {
        try
        {
            return (await service.GetBlobContainerClient(container).GetBlockBlobClient(blob).GetPropertiesAsync(cancellationToken: cancellationToken)).Value.ContentLength;
        }
        catch (RequestFailedException e) when (e.Status == 404 || e.ErrorCode == BlobErrorCode.ContainerBeingDeleted)
        {
            return null;
        }
    }

    private async IAsyncEnumerable<StoredBlob> ListAsync(string container, BlobStates states, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var blobs = service.GetBlobContainerClient(container)
            .GetBlobsAsync(new GetBlobsOptions { States = states }, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await MoveAsync(blobs))
            yield return new StoredBlob(blobs.Current.Name, blobs.Current.Properties.ContentLength ?? 0, blobs.Current.Properties.LastModified);
    }

    private static async Task<bool> MoveAsync(IAsyncEnumerator<BlobItem> blobs)
    {
        try
        {
            return await blobs.MoveNextAsync();
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerNotFound || e.ErrorCode == BlobErrorCode.ContainerBeingDeleted)
        {
            return false;
        }
    }
}
