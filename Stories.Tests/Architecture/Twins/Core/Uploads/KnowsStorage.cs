using Azure.Storage.Blobs.Models;

namespace Stories.Tests.Architecture.Twins.Core.Uploads;

internal sealed class KnowsStorage
{
    // Only as an argument of a generic type.
    public IReadOnlyList<BlobItem> Items { get; set; } = [];
}
