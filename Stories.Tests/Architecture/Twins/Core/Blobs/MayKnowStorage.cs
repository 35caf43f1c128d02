using Azure.Storage.Blobs;

namespace Stories.Tests.Architecture.Twins.Core.Blobs;

internal sealed class MayKnowStorage
{
    public BlobServiceClient? Client { get; set; }
}
