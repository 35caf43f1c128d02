using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Sponsored;

internal static class Epochs
{
    /// <summary>To the begin of the next epoch: what follows has five minutes before another one begins.</summary>
    public static Service AtBeginOfEpoch(this Service service)
    {
        service.Clock.MoveTo(DateTimeOffset.FromUnixTimeSeconds(Catalog.EpochAt(service.Clock.GetUtcNow()) + Catalog.EpochSeconds));
        return service;
    }
}
