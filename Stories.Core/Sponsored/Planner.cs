using System.Buffers.Binary;
using System.Security.Cryptography;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>A line as the planner sees it: everything that it may not be shown for has been asked before.</summary>
/// <param name="Period">What it has to spend now.</param>
/// <param name="Creatives">Digests of approved ones, at least one.</param>
/// <param name="ChangedAt">As it was read, before anything else of it.</param>
public sealed record PlannedLine(Guid Id, Guid Campaign, Guid Advertiser, LineTerms Terms, PacePeriod Period, IReadOnlyList<string> Creatives, DateTimeOffset ChangedAt = default);

/// <summary>A cell for which a catalog is to be made.</summary>
/// <param name="Parts">The cells that were merged into it, each with what is known of its people; itself alone when it is large enough.</param>
public sealed record PlannedCell(Cell Cell, IReadOnlyList<(Cell Cell, OpportunityCurve Curve)> Parts);

/// <summary>What became of a line in a plan.</summary>
/// <param name="Cells">In which it is.</param>
public sealed record LinePlan(PlannedLine Line, Pace Pace, int Pass, double Opportunities, double Availability, IReadOnlyList<Cell> Cells);

/// <param name="Lines">Of each cell, best tier first; at most <see cref="Catalog.MaxLines"/>.</param>
public sealed record Plan(IReadOnlyList<LinePlan> Lines, IReadOnlyDictionary<Cell, IReadOnlyList<CatalogLine>> Cells);

/// <summary>From lines and cells to what each cell's catalog holds in one epoch. Pure: the same input gives the same plan.</summary>
public static class Planner
{
    /// <summary>Windows reach as far as a device may go without a new catalog.</summary>
    private static readonly TimeSpan Horizon = Catalog.OfflineLife + TimeSpan.FromSeconds(Catalog.EpochSeconds);

    /// <summary>Passes depend on what other lines leave, and that on their passes.</summary>
    private const int Rounds = 3;

    /// <param name="epoch">Unix seconds.</param>
    public static Plan Make(IReadOnlyList<PlannedLine> lines, IReadOnlyList<PlannedCell> cells, long epoch)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(epoch);
        var horizon = now + Horizon;
        var parts = cells.SelectMany(c => c.Parts.Select(p => (Planned: c, p.Cell, p.Curve, Chances: p.Curve.Between(now, now.AddSeconds(Catalog.EpochSeconds))))).ToList();
        var drafts = new List<Draft>(lines.Count);
        var curves = new Dictionary<string, OpportunityCurve>();
        foreach (var line in lines)
        {
            var windows = Schedule.Windows(line.Terms, now, horizon);
            var reached = new List<int>();
            for (var part = 0; part < parts.Count; part++)
                if (IsFor(line.Terms.Targets, parts[part].Cell)) reached.Add(part);
            // Lines for the same people share one sum.
            var key = string.Join(',', reached);
            if (!curves.TryGetValue(key, out var curve)) curves[key] = curve = OpportunityCurve.SumOf(reached.Select(p => parts[p].Curve));
            drafts.Add(new Draft(line, windows, reached, curve, windows.Count > 0 && windows[0].Holds(now)));
        }
        Settle(drafts, [.. parts.Select(p => p.Chances)], now);

        var plans = new List<LinePlan>(drafts.Count);
        var found = cells.ToDictionary(c => c.Cell, _ => new List<CatalogLine>());
        foreach (var draft in drafts)
        {
            var pass = draft.Pace.Quantised(Dither(draft.Line.Id, epoch));
            var reached = draft.Windows.Count == 0 ? [] : draft.Reached.Select(p => parts[p].Planned.Cell).Distinct().ToList();
            plans.Add(new LinePlan(draft.Line, draft.Pace, pass, draft.Curve.Between(now, now.AddSeconds(Catalog.EpochSeconds)), draft.Availability, reached));
            // One that has its budget in flight is not in it at all; one that only waits for its turn is, for who cannot ask again.
            if (draft.Line.Period.Left <= 0 || (draft.IsOpen && draft.Pace.Pass <= 0)) continue;
            var line = Write(draft, pass);
            foreach (var cell in reached) found[cell].Add(line);
        }
        return new Plan(plans, found.ToDictionary(f => f.Key, f => (IReadOnlyList<CatalogLine>)[.. f.Value
            .OrderBy(l => l.Tier).ThenByDescending(l => l.Weight).ThenBy(l => l.Id).Take(Catalog.MaxLines).OrderBy(l => l.Id)]));
    }

    public static bool IsFor(Targets targets, Cell cell) =>
        (targets.Apps.Count == 0 || targets.Apps.Contains(cell.App)) &&
        (targets.Countries.Count == 0 || (cell.Country is not null && targets.Countries.Contains(cell.Country))) &&
        (targets.Languages.Count == 0 || (cell.Language is not null && targets.Languages.Contains(cell.Language))) &&
        (!targets.AdultsOnly || cell.Age == AgeBand.Adult);

    private static void Settle(List<Draft> drafts, double[] chances, DateTimeOffset now)
    {
        var tiers = Enum.GetValues<Tier>().Length;
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var draft in drafts) draft.Pace = Pace.For(draft.Line.Terms.Pacing, draft.Line.Period, draft.Curve, draft.Availability, now);
            // Of each part and tier: that none of the tier takes part, and the weight of those who are expected to.
            var none = new double[chances.Length, tiers];
            var weight = new double[chances.Length, tiers];
            for (var part = 0; part < chances.Length; part++)
                for (var tier = 0; tier < tiers; tier++) none[part, tier] = 1;
            foreach (var draft in drafts.Where(d => d.IsOpen))
            {
                var tier = (int)draft.Line.Terms.Tier;
                foreach (var part in draft.Reached)
                {
                    none[part, tier] *= 1 - draft.Pace.Pass;
                    weight[part, tier] += draft.Pace.Pass * draft.Line.Terms.Weight;
                }
            }
            foreach (var draft in drafts.Where(d => d.IsOpen))
            {
                var (tier, own) = ((int)draft.Line.Terms.Tier, draft.Line.Terms.Weight);
                double won = 0, all = 0;
                foreach (var part in draft.Reached)
                {
                    var share = own / (own + weight[part, tier] - draft.Pace.Pass * own);
                    for (var higher = 0; higher < tier; higher++) share *= none[part, higher];
                    won += share * (chances[part] + double.Epsilon);
                    all += chances[part] + double.Epsilon;
                }
                draft.Availability = all > 0 ? won / all : 1;
            }
        }
        foreach (var draft in drafts) draft.Pace = Pace.For(draft.Line.Terms.Pacing, draft.Line.Period, draft.Curve, draft.Availability, now);
    }

    private static CatalogLine Write(Draft draft, int pass)
    {
        var (line, terms) = (draft.Line, draft.Line.Terms);
        // Not yet begun or between two dayparts: whoever is offline then lets it through as it would be now.
        return new CatalogLine(line.Id, line.Campaign, line.Advertiser, terms.Tier, terms.Weight, pass, draft.Windows,
            terms.Caps, terms.Category, terms.Targets.Countries, terms.Targets.Languages, line.Creatives);
    }

    /// <summary>0 to 1, different for each epoch: 64ths are coarse, and over some epochs nothing is lost.</summary>
    private static double Dither(Guid line, long epoch)
    {
        Span<byte> message = stackalloc byte[24], hash = stackalloc byte[SHA256.HashSizeInBytes];
        line.TryWriteBytes(message, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(message[16..], epoch);
        SHA256.HashData(message, hash);
        return BinaryPrimitives.ReadUInt32BigEndian(hash) / (uint.MaxValue + 1d);
    }

    private sealed class Draft(PlannedLine line, IReadOnlyList<Window> windows, List<int> reached, OpportunityCurve curve, bool isOpen)
    {
        public PlannedLine Line => line;
        public IReadOnlyList<Window> Windows => windows;
        public List<int> Reached => reached;
        public OpportunityCurve Curve => curve;

        /// <summary>Within a window as the epoch begins.</summary>
        public bool IsOpen => isOpen;
        public Pace Pace { get; set; } = null!;
        public double Availability { get; set; } = 1;
    }
}
