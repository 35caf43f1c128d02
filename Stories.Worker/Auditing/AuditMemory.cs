using System.Collections.Concurrent;

namespace Stories.Worker.Auditing;

/// <summary>
/// What this worker's last run saw, for the next: of some findings nothing tells since when they are so. In memory, because it is no truth; a
/// worker that starts anew only waits for one more run.
/// </summary>
public sealed class AuditMemory
{
    private ConcurrentDictionary<string, DateTimeOffset> before = [];
    private ConcurrentDictionary<string, DateTimeOffset> now = [];

    /// <summary>The last run would have had to mend so much that it mended nothing.</summary>
    public bool IsTooMuch { get; private set; }

    /// <returns>When a run saw it first.</returns>
    internal DateTimeOffset Remember(string finding, DateTimeOffset at) => now.GetOrAdd(finding, before.GetValueOrDefault(finding, at));

    internal void Begin() => now = [];

    /// <summary>What was not seen again is forgotten.</summary>
    internal void End(bool isTooMuch) => (before, IsTooMuch) = (now, isTooMuch);
}
