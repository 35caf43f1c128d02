using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Core.Jobs;

namespace Stories.Worker.Auditing;

public enum AuditMode
{
    Look,

    /// <summary>Mend what has been wrong for long, unless it is too much.</summary>
    Repair,

    /// <summary>However much it is: an operator has seen that the database is the right one.</summary>
    RepairAll,
}

/// <summary>
/// Compares what storage, rows, jobs, scratch and keys say of each other. Everything else here keeps them in step; this finds where that
/// failed, mends what has been wrong for longer than anybody could still be at it, and counts.
/// </summary>
internal sealed class Auditor(
    ContainerChecks containers, CreativeChecks creatives, RenditionChecks renditions, IngestChecks ingest, RowChecks rows, JobChecks jobs, MachineChecks machine,
    NpgsqlDataSource database, AuditMemory memory, IOptions<AuditOptions> options, TimeProvider clock, ILogger<Auditor> log) : IAudit
{
    private const string Turn = "audit";

    /// <summary>So few are no sign of a wrong database, even when they are all there is.</summary>
    private const int Few = 10;

    private IReadOnlyList<Check> Checks =>
    [
        new("open buckets without their key", containers.OpenWithoutKeyAsync, BreaksPromise: true),
        new("buckets overdue", rows.OverdueBucketsAsync, BreaksPromise: true),
        new("containers of no bucket", containers.OfNoBucketAsync),
        new("blobs that no rendition names", renditions.BlobsOfNobodyAsync),
        new("renditions without their blob", renditions.WithoutBlobAsync, BreaksPromise: true, TouchesLiving: true),
        new("ingest blobs of no upload", ingest.BlobsOfNoUploadAsync),
        new("uploads without their bytes", ingest.UploadsWithoutBytesAsync, BreaksPromise: true),
        new("rows of no bucket", rows.OfNoBucketAsync),
        new("uploads of no story", rows.UploadsOfNoStoryAsync),
        new("containers of no creative", creatives.OfNoCreativeAsync),
        new("creatives without their container", creatives.WithoutContainerAsync, BreaksPromise: true),
        new("departures unfinished", rows.DeparturesAsync, BreaksPromise: true),
        new("job arguments", jobs.ArgumentsAsync, BreaksPromise: true),
        new("jobs kept too long", jobs.KeptTooLongAsync, IsCertain: true),
        new("job locks kept too long", jobs.LocksAsync),
        new("scratch of the dead (here)", machine.ScratchAsync, IsCertain: true),
        new("keys past their life", machine.KeysAsync, BreaksPromise: true, IsCertain: true),
    ];

    /// <summary>From the dashboard.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => RunAsync(AuditMode.Repair, isOperator: false, cancellationToken);

    /// <param name="mode">How far it may go.</param>
    /// <param name="isOperator">Somebody has looked before: what nothing dates need not be seen twice.</param>
    /// <param name="cancellationToken">Ends it between two findings.</param>
    /// <returns>Null when another audit is running.</returns>
    public async Task<AuditReport?> RunAsync(AuditMode mode, bool isOperator, CancellationToken cancellationToken)
    {
        await using var turn = await AdvisoryLock.TryTakeAsync(database, Turn, cancellationToken);
        if (turn is null) return null;
        memory.Begin();
        var tallies = new List<Tally>();
        foreach (var check in Checks) tallies.Add(await LookAsync(check, mode, isOperator, cancellationToken));

        var isTooMuch = mode == AuditMode.Repair && IsTooMuch(tallies);
        foreach (var tally in tallies.Where(t => mode == AuditMode.Repair && (t.Check.IsCertain || !isTooMuch)))
            foreach (var finding in tally.Waiting) await RepairAsync(tally, finding, cancellationToken);
        if (isTooMuch)
        {
            log.LogError("The audit would repair {ToRepair} things, which looks like a wrong or empty database or account, and repaired none of them. See ./stories audit; if it is right: ./stories audit --repair --all",
                tallies.Where(t => !t.Check.IsCertain).Sum(t => t.ToRepair));
        }
        memory.End(isTooMuch);
        foreach (var tally in tallies.Where(t => t.Due > 0))
        {
            var isLeftover = tally.Repaired == tally.Due && !tally.Check.BreaksPromise;
            log.Log(isLeftover ? LogLevel.Warning : LogLevel.Error, "The audit looked at {LookedAt} and found {Due} {Check}, for example {Subject}, the oldest since {Oldest}; it repaired {Repaired}.",
                tally.LookedAt, tally.Due, tally.Check.Name, tally.Example, tally.Oldest, tally.Repaired);
        }
        return new AuditReport([.. tallies.Select(t => new AuditLine(t.Check.Name, t.LookedAt, t.Found, t.Oldest, t.Repaired, t.Trouble))], isTooMuch);
    }

    /// <summary>A look at everything before anything is touched, unless all is to be: then as it is found, because it may be more than fits into memory.</summary>
    private async Task<Tally> LookAsync(Check check, AuditMode mode, bool isOperator, CancellationToken cancellationToken)
    {
        var tally = new Tally(check);
        var look = new Look(clock.GetUtcNow(), options.Value.Grace);
        try
        {
            await foreach (var finding in check.FindAsync(look, cancellationToken))
            {
                tally.Add(finding);
                if (!IsDue(finding, look, isOperator)) continue;
                tally.AddDue(finding);
                if (finding.RepairAsync is null) continue;
                if (mode == AuditMode.RepairAll) await RepairAsync(tally, finding, cancellationToken);
                else tally.Wait(finding, options.Value.MostRepairs);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            tally.Trouble = Trouble.Of(e);
            log.LogError("The audit could not finish looking for {Check}: {Trouble}. The next one tries again.", check.Name, tally.Trouble);
        }
        tally.LookedAt = look.Count;
        return tally;
    }

    private bool IsDue(Finding finding, Look look, bool isOperator) => finding.Since is { } since
        ? !look.IsYoung(since)
        : isOperator || memory.Remember(finding.Subject, look.Now) < look.Now;

    /// <summary>A worker that looks at the wrong account would find every living bucket gone, and there may be only one.</summary>
    private bool IsTooMuch(List<Tally> tallies) =>
        tallies.Where(t => !t.Check.IsCertain).Sum(t => t.ToRepair) > options.Value.MostRepairs ||
        tallies.Exists(t => !t.Check.IsCertain && t.ToRepair > t.LookedAt / 2 && (t.ToRepair > Few || t.Check.TouchesLiving));

    private async Task RepairAsync(Tally tally, Finding finding, CancellationToken cancellationToken)
    {
        try
        {
            if (await finding.RepairAsync!(cancellationToken)) tally.Repaired++;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogError("The audit could not repair {Subject} ({Check}): {Trouble}. The next one tries again.", finding.Subject, tally.Check.Name, Trouble.Of(e));
        }
    }

    private sealed class Tally(Check check)
    {
        private readonly List<Finding> waiting = [];

        public Check Check { get; } = check;
        public long LookedAt { get; set; }
        public int Found { get; private set; }

        /// <summary>Wrong for long enough to be mended, or to be told of.</summary>
        public int Due { get; private set; }

        /// <summary>Of these, what can be mended.</summary>
        public int ToRepair { get; private set; }
        public int Repaired { get; set; }
        public DateTimeOffset? Oldest { get; private set; }
        public string? Example { get; private set; }
        public string? Trouble { get; set; }
        public IReadOnlyList<Finding> Waiting => waiting;

        public void Add(Finding finding)
        {
            Found++;
            if (finding.Since < (Oldest ?? DateTimeOffset.MaxValue)) Oldest = finding.Since;
        }

        public void AddDue(Finding finding)
        {
            Due++;
            Example ??= finding.Subject;
        }

        /// <summary>More than may be mended need not be remembered.</summary>
        public void Wait(Finding finding, int most)
        {
            if (ToRepair++ < most) waiting.Add(finding);
        }
    }
}
