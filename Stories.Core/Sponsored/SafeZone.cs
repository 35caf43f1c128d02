using Stories.Protocol;

namespace Stories.Core.Sponsored;

/// <summary>
/// Where an app lays its own words and buttons over a status. Whether something that matters lies there a machine does not know: it counts sharp
/// edges, of which writing has many, as leaves and hair have too. So it is for a reviewer to look at, and refuses nothing.
/// </summary>
public static class SafeZone
{
    /// <summary>Of the height.</summary>
    public const double Top = 0.14, Bottom = 0.20;

    /// <summary>
    /// Percent of all pixels. Measured: one line of writing, 48 high where the picture is 1,080 wide, makes 4, two make 8; sky, walls and most
    /// of 16 stills of photos and films up to 3. Grass, leaves and traffic come to 10 and more, and are pointed out too.
    /// </summary>
    private const int Busy = 3;

    /// <param name="edges">Percent of pixels on a sharp edge, at the top and at the bottom.</param>
    /// <returns>A code, or null.</returns>
    public static string? FindOddity(ReadOnlySpan<byte> edges)
    {
        if (edges.Length != 2) throw new ArgumentException("Two numbers are needed.", nameof(edges));
        return edges[0] > Busy || edges[1] > Busy ? ProblemCodes.MediaBusyEdges : null;
    }
}
