namespace Stories.Bench.Simulation;

/// <summary>
/// Watches one sitting from outside and counts what breaks the rules, in the simplest words: it knows nothing of the gate's own bookkeeping. A
/// device's clock counts whole milliseconds, and so does this.
/// </summary>
internal sealed class SittingTrace(DateTimeOffset begin)
{
    private readonly List<(long At, bool IsAd, int Person)> shown = [];
    private int person;

    public int Faults { get; private set; }

    public void Status(DateTimeOffset at) => shown.Add((at.ToUnixTimeMilliseconds(), false, person));

    public void Person() => person++;

    public void Ad(DateTimeOffset at) => shown.Add((at.ToUnixTimeMilliseconds(), true, person));

    public void End()
    {
        var policy = SimulationResult.Policy;
        var ads = Enumerable.Range(0, shown.Count).Where(i => shown[i].IsAd).ToList();
        foreach (var i in ads)
        {
            // Never first, never last, never two in a row, never inside one person's set.
            if (i == 0 || i == shown.Count - 1 || shown[i - 1].IsAd || shown[i + 1].IsAd || shown[i - 1].Person == shown[i + 1].Person) Faults++;
            if (shown[i].Person < policy.FirstPeople || shown[i].At - begin.ToUnixTimeMilliseconds() < policy.FirstSeconds * 1000) Faults++;
            var (statuses, before) = (shown.Take(i).Count(s => !s.IsAd), shown.Take(i + 1).Count(s => s.IsAd));
            if (before * 1000 > policy.MaxPerMille * (statuses + before)) Faults++;
        }
        foreach (var (one, next) in ads.Zip(ads.Skip(1)))
            if (shown[next].Person - shown[one].Person < policy.PeopleBetween || shown[next].At - shown[one].At < policy.SecondsBetween * 1000) Faults++;
        if (ads.Count > policy.PerSession) Faults++;
    }
}
