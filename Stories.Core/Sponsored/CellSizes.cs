using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>Which cells get a catalog of their own.</summary>
public static class CellSizes
{
    /// <summary>A device asks once an epoch at most: of so many requests in an hour at least this many devices are sure.</summary>
    public static long Devices(long mostFetchesInAnHour) => (mostFetchesInAnHour * Catalog.EpochSeconds + 3599) / 3600;

    /// <summary>Cells below the floor are merged: those of a country with each other and, if that is not enough, those of all countries.</summary>
    /// <param name="cells">As devices ask for them, with the devices that are sure.</param>
    public static IReadOnlyList<(Cell Cell, IReadOnlyList<Cell> Parts)> Merge(IReadOnlyCollection<(Cell Cell, long Devices)> cells, int floor)
    {
        var (done, small) = Split(cells.Select(c => new Merged(c.Cell, c.Devices, [c.Cell])), floor);
        var (countries, rest) = Split(small.GroupBy(c => c.Cell with { Language = null }).Select(Join), floor);
        var all = rest.GroupBy(c => c.Cell with { Language = null, Country = null }).Select(Join);
        // A device that knows no language asks for its whole country by itself.
        return [.. done.Concat(countries).Concat(all).GroupBy(c => c.Cell).Select(Join).Select(c => (c.Cell, c.Parts)).OrderBy(c => c.Cell.ToString(), StringComparer.Ordinal)];
    }

    private static (List<Merged> Large, List<Merged> Small) Split(IEnumerable<Merged> cells, int floor)
    {
        var found = cells.ToLookup(c => c.Devices >= floor);
        return ([.. found[true]], [.. found[false]]);
    }

    private static Merged Join(IGrouping<Cell, Merged> cells) =>
        new(cells.Key, cells.Sum(c => c.Devices), [.. cells.SelectMany(c => c.Parts).OrderBy(c => c.ToString(), StringComparer.Ordinal)]);

    private sealed record Merged(Cell Cell, long Devices, IReadOnlyList<Cell> Parts);
}
