namespace Stories.Tests.Architecture.Twins.Core.Uploads;

internal sealed class KnowsBlobs
{
    public static object Make() => new Blobs.MayKnowStorage();
}
