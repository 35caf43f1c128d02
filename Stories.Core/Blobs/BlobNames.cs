using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Stories.Core.Blobs;

/// <summary>The only place that knows how containers and blobs are called.</summary>
public static class BlobNames
{
    /// <summary>Holds a bucket's key and dies with it.</summary>
    public const string BucketKey = "key";

    private const string TimeFormat = "yyyyMMddHHmmss";

    public static string Ingest(string deployment) => $"ingest-{deployment}";

    /// <summary>The hash in front spreads buckets over storage partitions; the random end makes sure that no name comes twice.</summary>
    public static string Bucket(string deployment, DateTimeOffset endsAt)
    {
        var time = endsAt.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);
        var random = Random(4);
        return $"{HashOf(time, random)}-{deployment}-{time}-{random}";
    }

    public static string Creative(string deployment) => Creatives(deployment) + Random(8);

    /// <summary>How all of one deployment's begin, and nobody else's.</summary>
    public static string Creatives(string deployment) => $"creative-{deployment}-";

    public static string Canary(string deployment) => Canaries(deployment) + Random(8);

    /// <summary>How all of one deployment's begin, and nobody else's.</summary>
    public static string Canaries(string deployment) => $"canary-{deployment}-";

    /// <summary>128 random bits: neither who nor what.</summary>
    public static string NewBlob() => Random(16);

    /// <summary>All ids of one blob must have one length.</summary>
    public static string NewBlock() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(15));

    /// <summary>The end that stands in a bucket's name.</summary>
    /// <returns>False for whatever <see cref="Bucket"/> would not have called so for this deployment.</returns>
    public static bool TryReadBucket(string deployment, string name, out DateTimeOffset endsAt)
    {
        endsAt = default;
        return name.Split('-') is [var hash, var whose, var time, { Length: 8 } random] && whose == deployment && hash == HashOf(time, random) &&
            DateTimeOffset.TryParseExact(time, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out endsAt);
    }

    private static string HashOf(string time, string random) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(time + random)).AsSpan(0, 4));

    private static string Random(int bytes) => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(bytes));
}
