using System.Diagnostics.Metrics;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Worker.Sponsored;

/// <summary>For alarms: how the planner keeps its time, and how far lines are from their plans. No tags: nothing here names anybody.</summary>
public sealed class PlanMetrics
{
    public const string Meter = "Stories.Ads";

    private long newest, catalogs, failures;
    private double took, off;

    public PlanMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(Meter);
        // Observed, so that nothing is seen as nothing and not as missing.
        meter.CreateObservableCounter("stories.ads.catalogs", () => Interlocked.Read(ref catalogs), "{catalog}", "Catalogs that this worker made.");
        meter.CreateObservableCounter("stories.ads.catalogs.failed", () => Interlocked.Read(ref failures), "{catalog}", "Catalogs that it could not make.");
        meter.CreateObservableGauge("stories.ads.epoch", () => Interlocked.Read(ref newest), "s", "Unix time of the newest epoch that this worker planned; 0 before its first.");
        meter.CreateObservableGauge("stories.ads.plan.took", () => Volatile.Read(ref took), "s", "The last plan, from the lines to all catalogs.");
        meter.CreateObservableGauge("stories.ads.pacing.off", () => Volatile.Read(ref off), "1", "How far lines are off their plans on average at the last plan, as a share of what was planned.");
    }

    public void Failed() => Interlocked.Increment(ref failures);

    public void Planned(Plan plan, int made, long epoch, TimeSpan time)
    {
        Interlocked.Exchange(ref newest, Math.Max(newest, epoch));
        Volatile.Write(ref took, time.TotalSeconds);
        Volatile.Write(ref off, plan.Lines.Where(l => l.Pace.Plan >= 1 && l.Line.Terms.Pacing != Pacing.Asap && l.Line.Terms.PriceMicros > 0)
            .Select(l => Math.Abs(l.Line.Period.Spent - l.Pace.Plan) / l.Pace.Plan).DefaultIfEmpty().Average());
        Interlocked.Add(ref catalogs, made);
    }
}
