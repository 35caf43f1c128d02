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

/// <summary>A record that waits among others: its place says nothing of when it came. See the counting of docs/operations.md.</summary>
public sealed class PooledRecord
{
    private PooledRecord() { }

    public Guid Id { get; private set; }
    public AdRecord Record { get; private set; } = null!;

    /// <summary>UTC day of arrival, to judge what comes late.</summary>
    public DateTimeOffset ArrivedHour { get; private set; }
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
