using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>What stands in each report, by the sums of its counters.</summary>
public static class ReportColumns
{
    public const string OrdinalGap = "ordinalGap";

    private const int LastCounted = AdRecord.MaxOrdinal - 1;

    private static readonly Quartile[] Quartiles = Enum.GetValues<Quartile>();
    private static readonly AdAction[] Actions = [.. Enum.GetValues<AdAction>().Where(a => a != AdAction.None)];

    /// <summary>Taps on the call to action; to hide or to report is none.</summary>
    private static readonly AdAction[] Calls = [AdAction.MessageBusiness, AdAction.OpenProduct, AdAction.Pay, AdAction.OpenUrl];

    public static IReadOnlyList<ReportColumn> Delivery { get; } =
    [
        .. Sums(Counters.Received, Counters.Valid, Counters.Viewable, Counters.Billed, Counters.Overdelivered, Counters.Free, Counters.Duplicate, Counters.Invalid, Counters.Late),
        new("complete", sums => sums.Of(Counters.Of(Quartile.Complete))), new("actions", sums => Calls.Sum(a => sums.Of(Counters.Of(a)))), .. Sums(Counters.SettledMicros),
    ];

    public static IReadOnlyList<ReportColumn> Reach { get; } =
    [
        new("devices", sums => sums.Of(Counters.Ordinal(1))), .. Sums(Counters.Valid),
        // The last ordinal stands for all showings after these: it counts no devices.
        .. Enumerable.Range(1, LastCounted - 1).Select(k => new ReportColumn($"exactly{k}", sums => Math.Max(0, sums.Of(Counters.Ordinal(k)) - sums.Of(Counters.Ordinal(k + 1))))),
        new($"atLeast{LastCounted}", sums => sums.Of(Counters.Ordinal(LastCounted))),
        new("meanFrequency", sums => sums.Of(Counters.Ordinal(1)) is var devices and > 0 ? Math.Round((decimal)sums.Of(Counters.Valid) / devices, 3) : 0),
    ];

    public static IReadOnlyList<ReportColumn> Retention { get; } =
    [
        .. Quartiles.Select(q => new ReportColumn(Word(q), sums => Quartiles.Where(reached => reached >= q).Sum(reached => sums.Of(Counters.Of(reached))))),
        .. Enum.GetValues<DwellBucket>().Select(d => new ReportColumn($"dwell{d}", sums => sums.Of(Counters.Of(d)))),
        .. Enum.GetValues<DwellBucket>().Select(d => new ReportColumn($"skip{d}", sums => sums.Of(Counters.Skip(d)))),
    ];

    public static IReadOnlyList<ReportColumn> Funnel { get; } = [.. Sums(Counters.Valid, Counters.Viewable), .. Actions.Select(a => new ReportColumn(Word(a), sums => sums.Of(Counters.Of(a))))];

    public static IReadOnlyList<ReportColumn> Invalid { get; } =
    [
        .. Sums(Counters.Received, Counters.Valid, Counters.Duplicate, Counters.Late, Counters.Invalid),
        .. Enum.GetValues<InvalidReason>().Select(r => new ReportColumn(Word(r), sums => sums.Of(Counters.Of(r)))),
    ];

    public static IReadOnlyList<ReportColumn> Statement { get; } =
    [
        .. Sums(Counters.Received, Counters.Valid, Counters.Duplicate, Counters.Invalid, Counters.Late, Counters.Billed, Counters.Overdelivered, Counters.Free, Counters.SettledMicros, Counters.Credited, Counters.CreditedMicros),
        new("netMicros", sums => sums.Of(Counters.SettledMicros) - sums.Of(Counters.CreditedMicros)),
    ];

    public static IReadOnlyList<ReportColumn> Blockers { get; } = [.. Sums(Counters.Valid, Counters.Billed, Counters.Overdelivered)];

    /// <summary>Of what is broken down: three numbers, noised.</summary>
    public static IReadOnlyList<string> BrokenDown { get; } = ["shown", "devices", "actions"];

    /// <summary>What a part has of the numbers that are broken down.</summary>
    public static BrokenDown PartOf(Sums sums) => new(sums.Of(Counters.Valid), sums.Of(Counters.Ordinal(1)), Calls.Sum(a => sums.Of(Counters.Of(a))));

    /// <param name="life">Of the line since its beginning: nobody sees it a second time without a first. Where it seems so, records were lost or made up.</param>
    public static bool HasOrdinalGap(Sums life) => Enumerable.Range(1, LastCounted - 1).Any(k => life.Of(Counters.Ordinal(k + 1)) > life.Of(Counters.Ordinal(k)));

    private static IEnumerable<ReportColumn> Sums(params string[] counters) => counters.Select(c => new ReportColumn(c, sums => sums.Of(c)));

    private static string Word<T>(T value) where T : struct, Enum => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}

/// <param name="Read">From the sums of a row.</param>
public sealed record ReportColumn(string Name, Func<Sums, decimal> Read);

/// <summary>Counters of a line, a day, or a part of it. What was never counted is nothing.</summary>
public sealed class Sums
{
    private readonly Dictionary<string, long> values = [];

    public long Of(string counter) => values.GetValueOrDefault(counter);

    public void Add(string counter, long value) => values[counter] = Of(counter) + value;

    public void Add(Sums other)
    {
        foreach (var (counter, value) in other.values) Add(counter, value);
    }
}
