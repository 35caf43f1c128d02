using System.Globalization;

namespace Stories.Tests.Fixtures;

/// <summary>A process by number and start time: the number alone is somebody else's after a while.</summary>
public readonly record struct LiveProcess(int Id, ulong StartedAt, string Name)
{
    public bool IsAlive => ProcessTree.Find(Id) is { } now && now.StartedAt == StartedAt;
}

/// <summary>Who descends from whom, as Linux tells it. Works across process namespaces, so sandboxed children are seen too.</summary>
public static class ProcessTree
{
    public static IReadOnlyList<LiveProcess> DescendantsOf(int id)
    {
        var children = All().ToLookup(entry => entry.Parent, entry => entry.Process);
        var found = new List<LiveProcess>();
        var open = new Queue<int>([id]);
        while (open.TryDequeue(out var parent))
        {
            foreach (var child in children[parent])
            {
                found.Add(child);
                open.Enqueue(child.Id);
            }
        }
        return found;
    }

    /// <returns>Null when it has ended, or has ended and only waits for somebody to take note of that.</returns>
    public static LiveProcess? Find(int id) => Read(id)?.Process;

    private static IEnumerable<(int Parent, LiveProcess Process)> All()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Read(id) is { } entry)
                yield return entry;
    }

    private static (int Parent, LiveProcess Process)? Read(int id)
    {
        string text;
        try
        {
            text = File.ReadAllText($"/proc/{id}/stat");
        }
        catch (IOException)
        {
            return null;
        }
        // proc(5): number, name in brackets (which may hold anything), state, parent, …; the start time is field 22.
        var nameEnds = text.LastIndexOf(')');
        var name = text[(text.IndexOf('(') + 1)..nameEnds];
        var fields = text[(nameEnds + 2)..].Split(' ');
        if (fields[0] is "Z" or "X") return null;
        return (int.Parse(fields[1], CultureInfo.InvariantCulture), new LiveProcess(id, ulong.Parse(fields[19], CultureInfo.InvariantCulture), name));
    }
}
