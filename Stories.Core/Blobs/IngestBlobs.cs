using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Extensions.Options;

namespace Stories.Core.Blobs;

/// <summary>Where uploads rest, as ciphertext, until a story is made of them.</summary>
public sealed class IngestBlobs(BlobServiceClient service, IOptions<BlobOptions> options)
{
    /// <summary>
    /// Storage verifies each block. By MD5, because storage that is sent none computes a CRC for its answer, which is most of the
    /// emulator's work (docs/decisions/0006).
    /// </summary>
    public static UploadTransferValidationOptions Verified { get; } = new() { ChecksumAlgorithm = StorageChecksumAlgorithm.MD5 };

    private readonly BlobContainerClient container = service.GetBlobContainerClient(BlobNames.Ingest(options.Value.Deployment));

    public Task CreateContainerAsync(CancellationToken cancellationToken) => container.CreateIfNotExistsAsync(cancellationToken: cancellationToken);

    /// <param name="content">Seekable, so that a lost answer can be asked for again; never empty: Azure refuses an empty block, the emulator does not.</param>
    public async Task StageAsync(string blob, string blockId, Stream content, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(content.Length);
        await container.GetBlockBlobClient(blob).StageBlockAsync(blockId, content, new BlockBlobStageBlockOptions { TransferValidation = Verified }, cancellationToken);
    }

    /// <summary>Repeatable: a second commit finds the blob there and compares its length.</summary>
    /// <returns>False when storage no longer has the bytes.</returns>
    public async Task<bool> CommitAsync(string blob, IReadOnlyList<string> blockIds, long length, CancellationToken cancellationToken)
    {
        var client = container.GetBlockBlobClient(blob);
        try
        {
            await client.CommitBlockListAsync(blockIds, conditions: new BlobRequestConditions { IfNoneMatch = ETag.All }, cancellationToken: cancellationToken);
            return true;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobAlreadyExists)
        {
            return (await client.GetPropertiesAsync(cancellationToken: cancellationToken)).Value.ContentLength == length;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.InvalidBlockList)
        {
            return false;
        }
    }

    /// <returns>Null when there is no such blob.</returns>
    public async Task<Stream?> OpenReadAsync(string blob, CancellationToken cancellationToken)
    {
        try
        {
            return (await container.GetBlockBlobClient(blob).DownloadStreamingAsync(cancellationToken: cancellationToken)).Value.Content;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return null;
        }
    }

    /// <summary>Repeatable. Blocks that were never committed are no blob to be deleted, and storage would keep them for a week: an empty blob in their place discards them.</summary>
    public async Task DeleteAsync(string blob, CancellationToken cancellationToken)
    {
        var client = container.GetBlockBlobClient(blob);
        if ((await client.DeleteIfExistsAsync(cancellationToken: cancellationToken)).Value) return;
        await client.UploadAsync(Stream.Null, cancellationToken: cancellationToken);
        await client.DeleteIfExistsAsync(cancellationToken: cancellationToken);
    }

    public async Task<bool> ExistsAsync(string blob, CancellationToken cancellationToken) =>
        (await container.GetBlockBlobClient(blob).ExistsAsync(cancellationToken)).Value;
}
