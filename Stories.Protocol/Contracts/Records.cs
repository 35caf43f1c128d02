using Stories.Protocol.Sponsored;

namespace Stories.Protocol.Contracts;

/// <summary>What a device has shown. It is kept without the caller; who submits it is asked for the day's quota only.</summary>
/// <param name="Records">At most 50.</param>
/// <param name="Opportunities">Of the hours that this device tells of; see <see cref="OpportunityTally"/>.</param>
public sealed record RecordsRequest(IReadOnlyList<AdRecord> Records, IReadOnlyList<OpportunityTally>? Opportunities = null)
{
    public const int MaxRecords = 50;
    public const int MaxOpportunities = 50;
}

/// <param name="Accepted">Those that will be counted: what is repeated, late or impossible is counted as that.</param>
/// <param name="Refused">Those that will not.</param>
public sealed record RecordsAnswer(IReadOnlyList<Guid> Accepted, IReadOnlyList<RefusedRecord> Refused);

public sealed record RefusedRecord(Guid Id, RecordRefusal Reason);

public enum RecordRefusal
{
    /// <summary>Shown more than 7 days ago.</summary>
    TooOld,
}
