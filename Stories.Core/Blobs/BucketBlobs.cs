using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Extensions.Options;
using Stories.Core.Erasure;

namespace Stories.Core.Blobs;

/// <summary>A bucket's bytes: one container, dropped as a whole.</summary>
public sealed class BucketBlobs(BlobServiceClient service, IOptions<BlobOptions> options)
{
    internal const string DeploymentKey = "deployment";

    /// <summary>Repeatable. Only publishing a story opens a bucket; jobs never call this.</summary>
    public async Task CreateContainerAsync(Bucket bucket, ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        var container = service.GetBlobContainerClient(bucket.Container);
        await container.CreateIfNotExistsAsync(
            metadata: new Dictionary<string, string> { [DeploymentKey] = options.Value.Deployment }, cancellationToken: cancellationToken);
        try
        {
            await container.GetBlockBlobClient(BlobNames.BucketKey).UploadAsync(
                BinaryData.FromBytes(key).ToStream(),
                new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } }, cancellationToken);
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobAlreadyExists)
        {
            // Another process opened the same bucket; its key is the bucket's key.
        }
    }

    /// <returns>Null when the bucket, and with it its key, is gone.</returns>
    public async Task<byte[]?> ReadKeyAsync(string container, CancellationToken cancellationToken)
    {
        try
        {
            var content = await service.GetBlobContainerClient(container).GetBlockBlobClient(BlobNames.BucketKey).DownloadContentAsync(cancellationToken);
            return content.Value.Content.ToArray();
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return null;
        }
    }

    /// <returns>False when the container is gone: the bucket ended meanwhile.</returns>
    public async Task<bool> WriteAsync(string container, string blob, Stream content, string mediaType, CancellationToken cancellationToken)
    {
        try
        {
            await service.GetBlobContainerClient(container).GetBlockBlobClient(blob).UploadAsync(content, new BlobUploadOptions
            {
                HttpHeaders = new BlobHttpHeaders { ContentType = mediaType },
                Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All },
                TransferValidation = IngestBlobs.Verified,
                TransferOptions = new Azure.Storage.StorageTransferOptions
                {
                    InitialTransferSize = 8 << 20,
                    MaximumTransferSize = 4 << 20,
                    MaximumConcurrency = 2,
                },
            }, cancellationToken);
            return true;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerNotFound || e.ErrorCode == BlobErrorCode.ContainerBeingDeleted)
        {
            return false;
        }
    }

    /// <summary>Repeatable.</summary>
    public async Task DeleteBlobAsync(string container, string blob, CancellationToken cancellationToken)
    {
        try
        {
            await service.GetBlobContainerClient(container).GetBlockBlobClient(blob).DeleteIfExistsAsync(cancellationToken: cancellationToken);
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerBeingDeleted)
        {
            // It goes with its container.
        }
    }

    /// <summary>Repeatable: a container that is not there, or is already on its way out, is fine.</summary>
    public async Task DeleteContainerAsync(string container, CancellationToken cancellationToken)
    {
        try
        {
            await service.GetBlobContainerClient(container).DeleteIfExistsAsync(cancellationToken: cancellationToken);
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerBeingDeleted)
        {
            // Azure deletes in the background; whether it is gone is asked separately.
        }
    }

    public async Task<bool> ContainerExistsAsync(string container, CancellationToken cancellationToken)
    {
        try
        {
            return (await service.GetBlobContainerClient(container).ExistsAsync(cancellationToken)).Value;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerBeingDeleted)
        {
            return true;
        }
    }
}
