using Azure.Storage.Blobs;

namespace Stories.Tests.Architecture.Twins.Api.Viewing;

internal sealed class KnowsStorage
{
    public static string Word { get; } = "word";

    // In the body of an async method, which the compiler moves to a type of its own.
    public static async Task<bool> ExistsAsync(Uri address)
    {
        var blob = new BlobClient(address);
        return await blob.ExistsAsync();
    }
}
