using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>How many records an account has submitted on a day: what of, stands nowhere beside it.</summary>
public sealed class RecordQuota
{
    private RecordQuota() { }

    public string App { get; private set; } = "";
    public string User { get; private set; } = "";

    /// <summary>UTC.</summary>
    public DateOnly Day { get; private set; }
    public int Records { get; private set; }
}

/// <summary>
/// Records that wait together, in the order of random numbers, all in one row: whenever some come, the whole row is written anew, so that
/// neither place nor transaction says which came together. See the counting of docs/operations.md.
/// </summary>
public sealed class RecordPool
{
    private RecordPool() { }

    public Guid Id { get; private set; }

    /// <summary>The one that still takes; the others wait to be counted, and only that.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Nothing in it came before.</summary>
    public DateTimeOffset OpenedAt { get; private set; }

    /// <summary>Each a <see cref="PooledEntry"/>.</summary>
    public byte[][] Entries { get; private set; } = [];
}

/// <summary>A counted record's id: until it could not be counted again anyway.</summary>
public sealed class CountedRecord
{
    private CountedRecord() { }

    public Guid Id { get; private set; }

    /// <summary>When it may be forgotten.</summary>
    public DateOnly Day { get; private set; }
}

/// <summary>One sum. Tall on purpose: a new counter is a new row and no migration.</summary>
public sealed class Count
{
    private Count() { }

    public Guid LineId { get; private set; }

    /// <summary>Empty where the record named none that the service knows.</summary>
    public string Creative { get; private set; } = "";
    public string Cell { get; private set; } = "";
    public DateTimeOffset Hour { get; private set; }
    public string Counter { get; private set; } = "";
    public long Value { get; private set; }
}

/// <summary>What the noise of reports is made from: with another one, what was released once would be released again, differently.</summary>
public sealed class ReportSecret
{
    private ReportSecret() { }

    /// <summary>There is one.</summary>
    public const int TheOne = 1;

    public int Id { get; private set; }
    public byte[] Bytes { get; private set; } = [];
}
