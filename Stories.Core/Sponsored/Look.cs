using System.Numerics;

namespace Stories.Core.Sponsored;

/// <summary>
/// What a picture looks like from far away: 64 bits, each saying whether a place is brighter than the one to its right. It survives another
/// size, encoding or colour, and so tells a refused creative that comes back in other bytes. It does not survive somebody who tries.
/// </summary>
public static class Look
{
    private const int Columns = 9, Rows = 8;

    /// <summary>Of 64 bits: pictures that differ in no more are taken for the same.</summary>
    private const int Near = 6;

    /// <summary>One that is the same everywhere looks like every other such.</summary>
    private const int LeastContrast = 16;

    /// <param name="grey">9 × 8 pixels, by the row.</param>
    /// <returns>Null for a picture with nothing on it.</returns>
    public static long? Of(ReadOnlySpan<byte> grey)
    {
        if (grey.Length != Columns * Rows) throw new ArgumentException("9 × 8 pixels are needed.", nameof(grey));
        byte least = 255, most = 0;
        foreach (var pixel in grey) (least, most) = (Math.Min(least, pixel), Math.Max(most, pixel));
        if (most - least < LeastContrast) return null;
        ulong bits = 0;
        for (var row = 0; row < Rows; row++)
            for (var column = 0; column < Columns - 1; column++)
                bits = (bits << 1) | (grey[row * Columns + column] > grey[row * Columns + column + 1] ? 1UL : 0);
        return (long)bits;
    }

    public static bool IsSame(long one, long other) => BitOperations.PopCount((ulong)(one ^ other)) <= Near;
}
