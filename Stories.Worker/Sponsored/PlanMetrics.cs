using System.Diagnostics.Metrics;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Worker.Sponsored;

/// <summary>For alarms: how the planner keeps its time, and how far lines are from their plans. No tags: nothing here names anybody.</summary>
public sealed class PlanMetrics
{
    public const string Meter = "Stories.Ads";

    private readonly Histogram<double> duration, off;
    private readonly Counter<long> catalogs, failures;
    private long newest;

    public PlanMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(Meter);
        duration = meter.CreateHistogram<double>("stories.ads.plan.duration", "s", "From the lines to all catalogs of an epoch.");
        off = meter.CreateHistogram("stories.ads.pacing.error", "1", "Of each line with a budget at each epoch: what is off its plan, as a share of the plan.", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] });
        catalogs = meter.CreateCounter<long>("stories.ads.catalogs", "{catalog}", "Catalogs that this worker made.");
        failures = meter.CreateCounter<long>("stories.ads.catalogs.failed", "{catalog}", "Catalogs that it could not make.");
        meter.CreateObservableGauge("stories.ads.epoch", () => Interlocked.Read(ref newest), "s", "Unix time of the newest epoch that this worker planned; 0 before its first.");
    }

    /// <summary>Unix seconds of the newest epoch that was planned here; 0 before the first.</summary>
    public long Newest => Interlocked.Read(ref newest);

    public void Failed() => failures.Add(1);

    public void Planned(Plan plan, int made, long epoch, TimeSpan took)
    {
        Interlocked.Exchange(ref newest, Math.Max(newest, epoch));
        duration.Record(took.TotalSeconds);
        catalogs.Add(made);
        foreach (var line in plan.Lines.Where(l => l.Pace.Plan >= 1 && l.Line.Terms.Pacing != Pacing.Asap && l.Line.Terms.PriceMicros > 0))
            off.Record(Math.Abs(line.Line.Period.Spent - line.Pace.Plan) / line.Pace.Plan);
    }
}
