using System.Diagnostics.Metrics;
using Stories.Core.Sponsored;

namespace Stories.Worker.Sponsored;

/// <summary>For alarms: how the planner keeps its time, and how far lines are from their plans. No tags: nothing here names anybody.</summary>
public sealed class PlanMetrics
{
    public const string Meter = "Stories.Ads";

    private long newest, catalogs, failures;
    private double took;
    private volatile PacingErrors off = PacingErrors.None;

    public PlanMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(Meter);
        // Observed, so that nothing is seen as nothing and not as missing.
        meter.CreateObservableCounter("stories.ads.catalogs", () => Interlocked.Read(ref catalogs), "{catalog}", "Catalogs that this worker made.");
        meter.CreateObservableCounter("stories.ads.catalogs.failed", () => Interlocked.Read(ref failures), "{catalog}", "Catalogs that it could not make.");
        meter.CreateObservableGauge("stories.ads.epoch", () => Interlocked.Read(ref newest), "s", "Unix time of the newest epoch that this worker planned; 0 before its first.");
        meter.CreateObservableGauge("stories.ads.plan.took", () => Volatile.Read(ref took), "s", "The last plan, from the lines to all catalogs.");
        meter.CreateObservableGauge("stories.ads.pacing.off", () => off.Mean, "1", "How far lines are off their plans on average at the last plan, as a share of what was planned.");
        meter.CreateObservableGauge("stories.ads.pacing.off.p50", () => off.P50, "1", "Half of the lines are at most so far off.");
        meter.CreateObservableGauge("stories.ads.pacing.off.p90", () => off.P90, "1", "Nine of ten lines are at most so far off.");
        meter.CreateObservableGauge("stories.ads.pacing.off.p99", () => off.P99, "1", "All lines but one of a hundred are at most so far off.");
    }

    public void Failed() => Interlocked.Increment(ref failures);

    public void Planned(Plan plan, int made, long epoch, TimeSpan time)
    {
        Interlocked.Exchange(ref newest, Math.Max(newest, epoch));
        Volatile.Write(ref took, time.TotalSeconds);
        off = PacingErrors.Of(plan);
        Interlocked.Add(ref catalogs, made);
    }
}
