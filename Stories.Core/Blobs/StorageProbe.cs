using Azure;
using Azure.Storage.Blobs;

namespace Stories.Core.Blobs;

/// <summary>Whether storage answers at all, for health checks.</summary>
public sealed class StorageProbe(BlobServiceClient service)
{
    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await service.GetPropertiesAsync(cancellationToken);
            return true;
        }
        catch (Exception e) when (e is RequestFailedException or AggregateException)
        {
            // The client throws the second kind when it has given up after several attempts.
            return false;
        }
    }
}
