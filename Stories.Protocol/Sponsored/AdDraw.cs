using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Stories.Protocol.Sponsored;

/// <summary>
/// A line's two random numbers for one choice. They are made of a seed and integers only, so that every language draws the same; no
/// floating point, whose logarithms differ in the last bits.
/// </summary>
/// <param name="Pass">0 to 63: the line takes part when this is below its pass.</param>
/// <param name="Log">-log2(u) in 2^-24, u uniform in (0, 1].</param>
public readonly record struct AdDraw(int Pass, long Log)
{
    public const int SeedBytes = 32;
    private const int FractionBits = 24;
    private const int UniformBits = 32;

    /// <summary>From SHA-256(seed ‖ the line's id, 16 bytes as in its text): u is (the first four bytes, big-endian, + 1) / 2^32, the pass is the last byte mod 64.</summary>
    /// <param name="seed">32 bytes.</param>
    public static AdDraw Of(ReadOnlySpan<byte> seed, Guid line)
    {
        Span<byte> message = stackalloc byte[SeedBytes + 16];
        seed.CopyTo(message);
        line.TryWriteBytes(message[SeedBytes..], bigEndian: true, out _);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(message, hash);
        return new AdDraw(hash[^1] % CatalogLine.MaxPass, MinusLog2(BinaryPrimitives.ReadUInt32BigEndian(hash) + 1UL));
    }

    /// <summary>The seed of a session's next choice: one for each sponsored status, and the same at each boundary until it is shown.</summary>
    /// <param name="ads">Shown in the session so far.</param>
    public static byte[] SeedOf(ReadOnlySpan<byte> session, int ads)
    {
        Span<byte> message = stackalloc byte[SeedBytes + sizeof(int)];
        session.CopyTo(message);
        BinaryPrimitives.WriteInt32BigEndian(message[SeedBytes..], ads);
        return SHA256.HashData(message);
    }

    /// <summary>Orders by -ln(u)/weight, the smallest first, without dividing: of n lines each is first with weight / sum of weights.</summary>
    public static int Compare(AdDraw one, int weight, AdDraw other, int otherWeight) => (one.Log * otherWeight).CompareTo(other.Log * weight);

    /// <summary>-log2(u / 2^32) in 2^-24, bit by bit: squaring a number doubles its logarithm.</summary>
    /// <param name="u">1 to 2^32, for (0, 1].</param>
    public static long MinusLog2(ulong u)
    {
        if (u == 1UL << UniformBits) return 0;
        var whole = BitOperations.Log2(u);
        // 1 to 2, in 2^-31.
        var x = u << (UniformBits - 1 - whole);
        long log = whole;
        for (var bit = 0; bit < FractionBits; bit++)
        {
            x = (x * x) >> (UniformBits - 1);
            log <<= 1;
            if (x < 1UL << UniformBits) continue;
            x >>= 1;
            log |= 1;
        }
        return ((long)UniformBits << FractionBits) - log;
    }
}
