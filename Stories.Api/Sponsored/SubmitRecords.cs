using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary><c>POST /v1/ads/records</c>: what a device has shown. The caller is asked for its quota; what is kept has no caller.</summary>
internal static class SubmitRecords
{
    private const int MaxCell = 100;

    /// <summary>Ids of what came before are not kept any longer than some days more.</summary>
    private static readonly TimeSpan OldestTaken = TimeSpan.FromDays(7);

    public static async Task<Results<Accepted<RecordsAnswer>, ProblemHttpResult>> Handle(
        RecordsRequest request, Caller caller, RecordIntake intake, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (!IsWhole(request, caller)) return Problems.Of(ProblemCodes.RequestInvalid);
        var now = clock.GetUtcNow();
        var arrived = AdRecord.HourOf(now);
        var oldest = (now - OldestTaken).ToUnixTimeSeconds();
        var taken = request.Records.Where(r => r.Hour >= oldest).ToList();
        var tallies = (request.Opportunities ?? []).Where(t => IsTaken(t, now));
        List<byte[]> entries = [.. taken.Select(r => new PooledEntry(arrived, r).Write()), .. tallies.Select(t => new PooledEntry(arrived, Tally: t).Write())];
        if (entries.Count > 0 && await intake.TakeAsync(caller.Name, entries, cancellationToken) is { } refused) return Problems.Of(refused);
        return TypedResults.Accepted((string?)null, new RecordsAnswer(
            [.. taken.Select(r => r.Id)], [.. request.Records.Where(r => r.Hour < oldest).Select(r => new RefusedRecord(r.Id, RecordRefusal.TooOld))]));
    }

    /// <summary>That it is a record at all. One that cannot be true is taken and counted as that: a thief learns nothing from us.</summary>
    private static bool IsWhole(RecordsRequest request, Caller caller) =>
        request is { Records: { Count: <= RecordsRequest.MaxRecords } records } && request.Opportunities is null or { Count: <= RecordsRequest.MaxOpportunities } &&
        records.All(IsRecord) && (request.Opportunities ?? []).All(t => IsTally(t, caller)) && records.Count + (request.Opportunities?.Count ?? 0) > 0;

    private static bool IsRecord(AdRecord? record) =>
        record is { Creative: { Length: 64 } digest, Cell: { Length: > 0 and <= MaxCell } cell, Hour: >= 0 and <= MaxTime, Epoch: >= 0 and <= MaxTime } && record.Id != Guid.Empty &&
        digest.All(char.IsAsciiHexDigitLower) && !cell.Any(char.IsControl) && Enum.IsDefined(record.Quartile) && Enum.IsDefined(record.Dwell) && Enum.IsDefined(record.Action);

    private static bool IsTally(OpportunityTally? tally, Caller caller) =>
        tally is { Cell: { Length: <= MaxCell } cell, Count: >= 0, Hour: >= 0 and <= MaxTime } && cell.StartsWith($"{caller.Name.App}/", StringComparison.Ordinal) && !cell.Any(char.IsControl);

    /// <summary>An hour of the last two days, which a clock that is ahead may have begun already.</summary>
    private static bool IsTaken(OpportunityTally tally, DateTimeOffset now) =>
        tally.Hour % AdRecord.HourSeconds == 0 && tally.Hour <= now.ToUnixTimeSeconds() + AdRecord.HourSeconds && tally.Hour >= (now - AdRecord.LateAfter).ToUnixTimeSeconds();

    /// <summary>What <see cref="DateTimeOffset"/> can hold.</summary>
    private const long MaxTime = 253_402_300_200;
}
