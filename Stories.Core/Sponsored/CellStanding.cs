using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>What the catalog that devices of a cell have now does with a line.</summary>
/// <param name="Pass">In 64ths; null: it is not in it.</param>
/// <param name="Won">Of the places at which it takes part, the share that no other line takes.</param>
/// <param name="Before">Lines of higher tiers that may be shown now.</param>
/// <param name="Beside">Other lines of its own tier.</param>
public sealed record CellStanding(CellVerdict Verdict, int? Pass, double Won, int Before, int Beside)
{
    private const double TooLittle = 0.1;

    public static CellStanding NobodyLooks { get; } = new(CellVerdict.NobodyLooks, null, 0, 0, 0);

    /// <summary>Of its places, the share that are its own.</summary>
    public double Share => (Pass ?? 0) / (double)CatalogLine.MaxPass * Won;

    public static CellStanding Of(Catalog catalog, Guid id, LineTerms terms, DateTimeOffset now)
    {
        var others = catalog.Lines.Where(l => l.Id != id && l.Pass > 0 && l.Windows.Any(w => w.Holds(now)) && MayMeet(l.Countries, terms.Targets.Countries) && MayMeet(l.Languages, terms.Targets.Languages)).ToList();
        var before = others.Where(l => l.Tier < terms.Tier).ToList();
        var beside = others.Where(l => l.Tier == terms.Tier).ToList();
        var none = before.Aggregate(1.0, (rest, other) => rest * (1 - Part(other)));
        var won = none * terms.Weight / (terms.Weight + beside.Sum(other => Part(other) * other.Weight));
        var line = catalog.Lines.FirstOrDefault(l => l.Id == id);
        var verdict = line switch
        {
            null => catalog.Lines.Count >= Catalog.MaxLines ? CellVerdict.Full : CellVerdict.Held,
            _ when !line.Windows.Any(w => w.Holds(now)) => CellVerdict.OutsideWindow,
            { Pass: 0 } => CellVerdict.Held,
            _ => none < TooLittle ? CellVerdict.Outranked : CellVerdict.Delivering,
        };
        return new CellStanding(verdict, line?.Pass, won, before.Count, beside.Count);
    }

    private static double Part(CatalogLine line) => line.Pass / (double)CatalogLine.MaxPass;

    /// <summary>A catalog may be of several places; lines for different ones never stand against each other.</summary>
    private static bool MayMeet(IReadOnlyList<string> one, IReadOnlyList<string> other) => one.Count == 0 || other.Count == 0 || one.Intersect(other).Any();
}
