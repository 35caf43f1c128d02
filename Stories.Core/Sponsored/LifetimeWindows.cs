using System.Collections.Concurrent;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>A line's windows from its begin to its end: up to a year in dayparts, and the same until the line changes.</summary>
public sealed class LifetimeWindows
{
    private readonly ConcurrentDictionary<Guid, (DateTimeOffset ChangedAt, IReadOnlyList<Window> Windows)> known = [];

    public IReadOnlyList<Window> Of(Line line)
    {
        if (known.TryGetValue(line.Id, out var found) && found.ChangedAt == line.ChangedAt) return found.Windows;
        var windows = Schedule.Windows(line.Terms, line.StartsAt, line.EndsAt);
        known[line.Id] = (line.ChangedAt, windows);
        return windows;
    }

    public void Forget(IReadOnlySet<Guid> others)
    {
        foreach (var line in known.Keys.Where(l => !others.Contains(l))) known.TryRemove(line, out _);
    }
}
