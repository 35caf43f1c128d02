using System.Text.Json;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>
/// What is counted. For each line, creative, cell and hour: received = valid + duplicate + invalid + late, and valid = billed +
/// overdelivered + free.
/// </summary>
public static class Counters
{
    public const string Received = "received";
    public const string Valid = "valid";
    public const string Duplicate = "duplicate";
    public const string Late = "late";
    public const string Invalid = "invalid";
    public const string Viewable = "viewable";

    public const string Billed = "billed";

    /// <summary>Viewable, and beyond a budget, the wallet, or the line's own dates.</summary>
    public const string Overdelivered = "overdelivered";

    /// <summary>Valid, and nothing to pay for: too short to be a view, of the house, or without a price.</summary>
    public const string Free = "free";

    /// <summary>What was billed here, of the line's running number: these sum up to the line's settlements.</summary>
    public const string SettledMicros = "settledMicros";

    /// <summary>Views that were given back, in the hour in which they were.</summary>
    public const string Credited = "credited";
    public const string CreditedMicros = "creditedMicros";

    public static string Of(InvalidReason reason) => $"invalid.{Word(reason)}";

    /// <summary>The furthest that was seen, so that no order and no loss makes a later one more than an earlier.</summary>
    public static string Of(Quartile furthest) => $"furthest.{Word(furthest)}";

    public static string Of(DwellBucket dwell) => $"dwell.{Word(dwell)}";

    public static string Skip(DwellBucket after) => $"skip.{Word(after)}";

    public static string Of(AdAction action) => $"action.{Word(action)}";

    public static string Ordinal(int ordinal) => $"ordinal.{ordinal}";

    public static string Of(CreditReason reason) => $"credited.{Word(reason)}";

    private static string Word<T>(T value) where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}

/// <summary>Where a number is counted.</summary>
/// <param name="Line">Empty: records that name no line of ours.</param>
/// <param name="Creative">Digest; empty where the record names none of the line's advertiser.</param>
/// <param name="Cell">Empty where no catalog of the named one held the line.</param>
public readonly record struct CountKey(Guid Line, string Creative, string Cell, DateTimeOffset Hour, string Counter);
