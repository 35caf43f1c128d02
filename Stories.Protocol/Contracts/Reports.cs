using System.Globalization;
using System.Text;
using Stories.Protocol.Sponsored;

namespace Stories.Protocol.Contracts;

public enum ReportKind
{
    /// <summary>What came in, what of it was valid, and what of that was billed.</summary>
    Delivery,

    /// <summary>What was to be spent by then, and what was.</summary>
    Pacing,

    /// <summary>How many devices, and how often each.</summary>
    Reach,

    /// <summary>How far they watched.</summary>
    Retention,

    /// <summary>What they did about it.</summary>
    Funnel,

    /// <summary>What was not counted, and why.</summary>
    Invalid,

    /// <summary>Why lines do not deliver as wished.</summary>
    Blockers,

    /// <summary>What is to be paid, with what it is reckoned from.</summary>
    Statement,
}

public enum ReportBy
{
    Total,

    /// <summary>UTC.</summary>
    Day,

    /// <summary>Of the day, UTC. This and those below are noised, cut off, and of final days only; the rest stands under <c>other</c>.</summary>
    Hour,
    Cell,

    /// <summary>Digest.</summary>
    Creative,
}

public enum ReportState
{
    /// <summary>Late records may still change it.</summary>
    Provisional,
    Final,
}

/// <param name="From">The first day, UTC.</param>
/// <param name="To">The last day.</param>
/// <param name="Currency">Of everything in micros; null without a wallet.</param>
/// <param name="Columns">Names of the numbers of each row, in their order.</param>
/// <param name="Rows">Of every line that was asked for, and where nothing was: zeros.</param>
public sealed record ReportView(ReportKind Kind, ReportBy By, DateOnly From, DateOnly To, string? Currency, IReadOnlyList<string> Columns, IReadOnlyList<ReportRow> Rows)
{
    /// <summary>What is not broken down.</summary>
    public const string Other = "other";

    /// <summary>As RFC 4180 has it; the same text wherever it is made.</summary>
    public string ToCsv()
    {
        var text = new StringBuilder().AppendJoin(',', ["line", "name", "key", "state", "finalAt", .. Columns, "marks"]).Append("\r\n");
        foreach (var row in Rows)
        {
            text.AppendJoin(',', [
                row.Line.ToString(), Quote(row.Name), Quote(row.Key ?? ""), row.State == ReportState.Final ? "final" : "provisional", row.FinalAt.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                .. row.Values.Select(v => v.ToString(CultureInfo.InvariantCulture)), Quote(string.Join(' ', row.Marks))]).Append("\r\n");
        }
        return text.ToString();
    }

    private static string Quote(string text) => $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}

/// <param name="Key">The day, hour, cell or creative; null for a total.</param>
/// <param name="FinalAt">48 hours after its end.</param>
/// <param name="Marks">What is odd about it: <c>ordinalGap</c>, more devices saw it a second time than a first; codes of blockers.</param>
/// <param name="Status">For blockers: what the line really does now.</param>
/// <param name="Blockers">Why, since when, and what would change it.</param>
public sealed record ReportRow(
    Guid Line, string Name, string? Key, ReportState State, DateTimeOffset FinalAt, IReadOnlyList<decimal> Values, IReadOnlyList<string> Marks,
    EffectiveStatus? Status = null, IReadOnlyList<Blocker>? Blockers = null);

/// <param name="Views">Billed ones that are given back.</param>
/// <param name="Reference">The operator's own: given back once for each, whatever the Idempotency-Key.</param>
public sealed record CreditRequest(long Views, CreditReason Reason, string Reference);

/// <param name="AmountMicros">What the wallet got.</param>
public sealed record CreditView(Guid Line, long Views, long AmountMicros, string Currency, DateTimeOffset At);
