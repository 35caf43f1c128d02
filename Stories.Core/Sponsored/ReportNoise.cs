using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Stories.Core.Sponsored;

/// <summary>
/// Two-sided geometric noise that depends on what is asked for alone: whoever asks again learns nothing more.
/// </summary>
public sealed class ReportNoise(byte[] secret)
{
    /// <summary>How likely it may be that a row is shown that one device alone would not have.</summary>
    private const double Delta = 1e-6;

    /// <param name="epsilon">The smaller, the more noise.</param>
    /// <param name="most">How much one device can add to the number.</param>
    public long Draw(Guid line, string dimension, string value, DateOnly day, string counter, double epsilon, int most)
    {
        var seed = HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(string.Join('\n', line.ToString("N"), dimension, value, day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), counter)));
        var alpha = Math.Exp(-epsilon / most);
        // The difference of two geometric draws is two-sided geometric.
        return Geometric(seed.AsSpan(0, 8), alpha) - Geometric(seed.AsSpan(8, 8), alpha);
    }

    /// <summary>The least noisy number with which a row is shown.</summary>
    /// <param name="least">The number below which nothing is to be shown.</param>
    public static double Threshold(int least, double epsilon) => least + Math.Log(1 / (2 * Delta)) / epsilon;

    private static long Geometric(ReadOnlySpan<byte> random, double alpha)
    {
        // Above nothing and at most one.
        var uniform = ((BinaryPrimitives.ReadUInt64BigEndian(random) >> 11) + 1) / (double)(1UL << 53);
        return (long)Math.Floor(Math.Log(uniform) / Math.Log(alpha));
    }
}
