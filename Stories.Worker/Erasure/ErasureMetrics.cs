using System.Diagnostics.Metrics;
using Stories.Core.Data;
using Stories.Core.Erasure;

namespace Stories.Worker.Erasure;

/// <summary>
/// For an operator's alarms: sums and times, and no tag at all. Counters are those of this process and forget what was committed in
/// the moment of its death; <c>GET /v1/erasures</c> counts the rows.
/// </summary>
public sealed class ErasureMetrics
{
    public const string Meter = "Stories";

    private readonly IServiceScopeFactory scopes;
    private readonly TimeProvider clock;
    private readonly Histogram<double> lag;
    private readonly Counter<long> stories, blobs, bytes;

    public ErasureMetrics(IMeterFactory meters, IServiceScopeFactory scopes, TimeProvider clock)
    {
        (this.scopes, this.clock) = (scopes, clock);
        var meter = meters.Create(Meter);
        lag = meter.CreateHistogram("stories.erasure.lag", "s", "From a bucket's end until nothing of it was left.", tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600, 21600] });
        stories = meter.CreateCounter<long>("stories.erasure.stories", "{story}", "Stories in the buckets that this worker erased.");
        blobs = meter.CreateCounter<long>("stories.erasure.blobs", "{blob}", "Blobs that lay in them at their end.");
        bytes = meter.CreateCounter<long>("stories.erasure.bytes", "By", "Bytes of these blobs.");
        meter.CreateObservableGauge("stories.erasure.lag.longest", FindLongest, "s", "The longest lag of the last 24 hours, whoever erased.");
        meter.CreateObservableGauge("stories.erasure.overdue", () => FindOverdue().Count, "{bucket}", "Buckets of which something is left for longer than promised.");
        meter.CreateObservableGauge("stories.erasure.overdue.oldest", () => FindOverdue() is [var oldest, ..] ? (clock.GetUtcNow() - oldest).TotalSeconds : 0, "s", "How long ago the oldest of them ended.");
    }

    public void Count(Bucket erased)
    {
        lag.Record(erased.Lag!.Value.TotalSeconds);
        stories.Add(erased.Stories);
        blobs.Add(erased.Blobs);
        bytes.Add(erased.Bytes);
    }

    /// <summary>
    /// Gauges ask the database at each look, and not what a sweep found: when no sweep comes through, that is what must be seen. Metrics have no
    /// asynchronous callbacks; where the database does not answer the gauge is missing, which alarms can tell from zero.
    /// </summary>
    private List<DateTimeOffset> FindOverdue()
    {
        using var scope = scopes.CreateScope();
        return [.. scope.ServiceProvider.GetRequiredService<OverdueBuckets>().At(clock.GetUtcNow()).Select(b => b.EndsAt)];
    }

    private double FindLongest()
    {
        using var scope = scopes.CreateScope();
        var since = clock.GetUtcNow() - TimeSpan.FromDays(1);
        return scope.ServiceProvider.GetRequiredService<StoriesDb>().Buckets.Where(b => b.ErasedAt > since).Max(b => b.ErasedAt - b.EndsAt)?.TotalSeconds ?? 0;
    }
}
