namespace Stories.Worker.Auditing;

/// <summary>Something that should not be so.</summary>
/// <param name="Subject">An id or a random name: neither who nor what.</param>
/// <param name="Since">Null when nothing tells.</param>
/// <param name="RepairAsync">
/// Looks again before it changes anything; false when nothing was to be done, or it could not be done. Null: only a person can mend it.
/// </param>
internal sealed record Finding(string Subject, DateTimeOffset? Since, Func<CancellationToken, Task<bool>>? RepairAsync = null);

/// <summary>One pass over one kind of thing.</summary>
internal sealed class Look(DateTimeOffset now, TimeSpan grace)
{
    public DateTimeOffset Now { get; } = now;
    public TimeSpan Grace { get; } = grace;

    /// <summary>How many things were looked at.</summary>
    public long Count { get; set; }

    public bool IsYoung(DateTimeOffset? since) => since > Now - Grace;
}

/// <param name="Name">As it stands in the table.</param>
/// <param name="FindAsync">Streams: an account may hold more than fits into memory.</param>
/// <param name="BreaksPromise">What it finds is more than what a killed process left: an error, also when it is mended.</param>
/// <param name="IsCertain">What it finds is past its time whatever another store says, so that it is mended however much it is.</param>
/// <param name="TouchesLiving">Mending takes something from stories that have not ended.</param>
internal sealed record Check(string Name, Func<Look, CancellationToken, IAsyncEnumerable<Finding>> FindAsync, bool BreaksPromise = false, bool TouchesLiving = false, bool IsCertain = false);

/// <param name="Oldest">Since when the longest of what was found has been so.</param>
/// <param name="Trouble">Why the check could not be made, or not to its end.</param>
public sealed record AuditLine(string Check, long LookedAt, int Found, DateTimeOffset? Oldest, int Repaired, string? Trouble);

/// <param name="IsTooMuch">So much was to be mended that nothing was.</param>
public sealed record AuditReport(IReadOnlyList<AuditLine> Lines, bool IsTooMuch)
{
    public bool IsClean => Lines.All(line => line.Trouble is null && line.Found == line.Repaired);
}
