namespace Stories.Protocol.Sponsored;

/// <summary>What is wrong with one field of what was sent.</summary>
/// <param name="Field">As it is written in JSON, for instance <c>terms.dayparts[2].toHour</c>.</param>
/// <param name="Text">What must hold, for people; never repeats what was sent.</param>
public sealed record FieldFault(string Field, FieldFaultCode Code, string Text);

public enum FieldFaultCode
{
    Missing,
    Malformed,
    OutOfRange,

    /// <summary>The service knows no such zone, creative or code.</summary>
    Unknown,
    Repeated,
    TooMany,

    /// <summary>What should come later comes earlier.</summary>
    OutOfOrder,

    /// <summary>A line of the tier <c>house</c> costs nothing.</summary>
    NotFree,

    /// <summary>Dayparts leave no minute between start and end.</summary>
    NeverOn,

    /// <summary>Not from somebody who may not be offered it.</summary>
    NotAllowed,
}

/// <summary>Why a line does not deliver as its owner wants, and what to do about it.</summary>
/// <param name="Since">Null where nothing says it.</param>
/// <param name="Fix">What ends it, as a sentence.</param>
/// <param name="NextCheck">When it may end by itself; null: only by what somebody does.</param>
public sealed record Blocker(BlockerCode Code, DateTimeOffset? Since, string Fix, DateTimeOffset? NextCheck);
