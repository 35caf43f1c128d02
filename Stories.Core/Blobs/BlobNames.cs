using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Stories.Core.Blobs;

/// <summary>The only place that knows how containers and blobs are called.</summary>
public static class BlobNames
{
    /// <summary>Holds a bucket's key and dies with it.</summary>
    public const string BucketKey = "key";

    public static string Ingest(string deployment) => $"ingest-{deployment}";

    /// <summary>The hash in front spreads buckets over storage partitions; the random end makes sure that no name comes twice.</summary>
    public static string Bucket(string deployment, DateTimeOffset endsAt)
    {
        var time = endsAt.UtcDateTime.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture);
        var random = Random(4);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(time + random)).AsSpan(0, 4));
        return $"{hash}-{deployment}-{time}-{random}";
    }

    public static string Canary(string deployment) => Canaries(deployment) + Random(8);

    /// <summary>How all of one deployment's begin, and nobody else's.</summary>
    public static string Canaries(string deployment) => $"canary-{deployment}-";

    /// <summary>128 random bits: neither who nor what.</summary>
    public static string NewBlob() => Random(16);

    /// <summary>All ids of one blob must have one length.</summary>
    public static string NewBlock() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(15));

    private static string Random(int bytes) => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(bytes));
}
