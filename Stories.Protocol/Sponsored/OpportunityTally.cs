using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Stories.Protocol.Sponsored;

/// <summary>
/// Where a sponsored status could have stood on one device in one hour, whether one did or not. Few devices tell, each in few hours,
/// and never a large number: enough for a curve of the week, and nothing about a person.
/// </summary>
/// <param name="Cell">As it asks for its catalog: never merged.</param>
/// <param name="Hour">Unix seconds.</param>
public sealed record OpportunityTally(string Cell, long Hour, int Count)
{
    /// <summary>One in so many hours of a device is told; what comes is multiplied by it.</summary>
    public const int SampledOneIn = 16;

    /// <summary>A larger number is taken for this one.</summary>
    public const int Most = 20;

    /// <summary>Whether a device tells of an hour: by its own random seed, which never leaves it.</summary>
    public static bool IsSampled(ReadOnlySpan<byte> deviceSeed, long hour)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, hour);
        return HMACSHA256.HashData(deviceSeed, bytes)[0] % SampledOneIn == 0;
    }

    /// <summary>What it says of all devices.</summary>
    public long ScaledUp => (long)Math.Clamp(Count, 0, Most) * SampledOneIn;
}
