using Stories.Protocol.Sponsored;

namespace Stories.Worker.Sponsored;

/// <summary>When planning last went well: nothing was missing, or something was made. By a counter that nobody can set.</summary>
public sealed class PlanState(TimeProvider time)
{
    /// <summary>Devices choose from what they have for much longer; but who asks gets nothing.</summary>
    public static readonly TimeSpan Patience = 3 * TimeSpan.FromSeconds(Catalog.EpochSeconds);

    private long lastWell = time.GetTimestamp();

    public TimeSpan Since => time.GetElapsedTime(Interlocked.Read(ref lastWell));

    public bool IsStuck => Since > Patience;

    public void WentWell() => Interlocked.Exchange(ref lastWell, time.GetTimestamp());
}
