using System.Security.Cryptography;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>What waits in a pool: a record of something shown, or a tally of where something could have been. Whose, stands nowhere.</summary>
/// <param name="Arrived">Unix seconds of the hour: enough to judge what came late.</param>
public sealed record PooledEntry(long Arrived, AdRecord? Record = null, OpportunityTally? Tally = null)
{
    private const int OrderBytes = 8;

    /// <summary>Its place among others is drawn here, so that no device can choose it.</summary>
    public byte[] Write() => [.. RandomNumberGenerator.GetBytes(OrderBytes), .. StoriesJson.Write(this)];

    public static PooledEntry Read(byte[] bytes) =>
        System.Text.Json.JsonSerializer.Deserialize<PooledEntry>(bytes.AsSpan(OrderBytes), StoriesJson.Options) ?? throw new InvalidDataException("An entry of a pool is empty.");
}
