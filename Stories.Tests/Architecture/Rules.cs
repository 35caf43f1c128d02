using System.Reflection;
using System.Text.Json;
using Hangfire;

namespace Stories.Tests.Architecture;

/// <summary>Each rule takes a house and returns who breaks it, in words.</summary>
internal static class Rules
{
    /// <summary>Plain C#: what the service is about. They can be read, tested and kept without any of what is below.</summary>
    public static readonly string[] Nouns = ["Apps", "Audiences", "Keys", "Uploads", "Media", "Posting", "Viewing", "Erasure", "Sponsored"];

    /// <summary>What somebody or something does. A verb that needs another verb is missing a noun.</summary>
    public static readonly string[] ApiSlices = ["Apps", "Audiences", "Erasure", "Keys", "Operating", "Posting", "Sponsored", "Uploads", "Viewing"];

    public static readonly string[] WorkerSlices = ["Auditing", "Confinement", "Erasure", "Keys", "Media", "Processing", "Rendering", "Sponsored"];

    /// <summary>
    /// The worker's verbs are Processing, Sponsored, Erasure and Auditing. Under them lies the key ring, which all need; under Processing and Sponsored Media, which
    /// knows files and nothing of stories, and whose scratch is audited; and under that what it starts: the child process that it talks to, and what confines it.
    /// None knows who stands on it.
    /// </summary>
    public static readonly (string From, string To)[] WorkerFloors =
        [("Processing", "Keys"), ("Sponsored", "Keys"), ("Erasure", "Keys"), ("Auditing", "Keys"), ("Auditing", "Media"), ("Processing", "Media"), ("Sponsored", "Media"), ("Media", "Rendering"), ("Media", "Confinement")];

    /// <summary>Which of our projects each may know.</summary>
    public static readonly Dictionary<string, string[]> Projects = new()
    {
        ["Age"] = [],
        ["Protocol"] = [],
        ["Core"] = ["Age", "Protocol"],
        ["Api"] = ["Age", "Protocol", "Core"],
        ["Worker"] = ["Age", "Protocol", "Core"],
        ["Client"] = ["Age", "Protocol"],
    };

    private static readonly string[] Infrastructure =
        ["Microsoft.EntityFrameworkCore", "Npgsql", "Dapper", "Azure", "Hangfire", "Microsoft.AspNetCore", "NetVips", "FFMpegCore"];

    private static readonly string[] Decryption =
        ["Stories.Age.AgeIdentity", "Stories.Age.AgeDecryptStream", "Stories.Age.AgeSeekableReader", "Stories.Age.AgeFile.Decrypt"];

    /// <summary>No two folders of a project know each other, directly or through others, however deep they lie.</summary>
    public static IEnumerable<string> FolderCircles(House house, string project)
    {
        var next = house.Known
            .Where(k => House.IsIn(k.FromRoom, house.Room(project)) && House.IsIn(k.ToRoom, house.Room(project)) && k.FromRoom != k.ToRoom)
            .ToLookup(k => k.FromRoom, k => k.ToRoom);
        var reachable = house.Rooms.ToDictionary(room => room, room => Reach(room, next));
        return
            from one in house.Rooms
            from other in reachable[one]
            where string.CompareOrdinal(one, other) < 0 && reachable[other].Contains(one)
            select $"{one} and {other} know each other";
    }

    public static IEnumerable<string> SlicesThatKnowEachOther(House house, string project, string[] slices, (string From, string To)[] allowed) =>
        from one in slices
        from other in slices
        where one != other && !allowed.Contains((one, other))
        from k in house.Known
        where House.IsIn(k.FromRoom, house.Room($"{project}.{one}")) && House.IsIn(k.ToRoom, house.Room($"{project}.{other}"))
        select k.ToString();

    public static IEnumerable<string> ProjectsThatKnowTooMuch(House house) =>
        from project in Projects.Keys
        from k in house.Known
        where House.IsIn(k.FromRoom, house.Room(project))
            && Projects.Keys.Any(other => other != project && !Projects[project].Contains(other) && House.IsIn(k.ToRoom, house.Room(other)))
        select k.ToString();

    public static IEnumerable<string> NounsThatTouchInfrastructure(House house) =>
        from noun in Nouns
        from k in house.Known
        where House.IsIn(k.FromRoom, house.Room($"Core.{noun}"))
            && (Infrastructure.Any(outside => House.IsIn(k.ToRoom, outside))
                || (House.IsIn(k.ToRoom, house.Room("Core")) && !Nouns.Any(other => House.IsIn(k.ToRoom, house.Room($"Core.{other}")))))
        select k.ToString();

    /// <summary>A package that only some rooms may know.</summary>
    public static IEnumerable<string> OnlyIn(House house, string package, params string[] rooms) =>
        from k in house.Known
        where House.IsIn(k.ToRoom, package) && !rooms.Any(room => House.IsIn(k.FromRoom, house.Room(room)))
        select k.ToString();

    /// <summary>
    /// What the Api is made of is more than its own project: it loads Core and Protocol too. Kept out of all three,
    /// decryption cannot be reached by any way round.
    /// </summary>
    public static IEnumerable<string> DecryptionWithinReachOfTheApi(House house) =>
        from project in (string[])["Api", "Core", "Protocol"]
        from k in house.Known
        where House.IsIn(k.FromRoom, house.Room(project)) && Decryption.Any(name => (k.Member ?? k.To).StartsWith(name, StringComparison.Ordinal) || k.To == name)
        select k.ToString();

    /// <summary>Hangfire reads queue and retries from the interface named in the enqueue, and from nothing above or below it.</summary>
    public static IEnumerable<string> JobsWithoutQueueOrRetry(Assembly assembly, string room)
    {
        foreach (var job in assembly.GetTypes().Where(type => type.IsInterface && type.Namespace == room))
        {
            if (job.GetInterfaces().Length > 0) yield return $"{job.Name} inherits from another interface, whose attributes do not count";
            foreach (var method in job.GetMethods())
            {
                if (!Carries<QueueAttribute>(job, method)) yield return $"{job.Name}.{method.Name} names no queue";
                if (!Carries<AutomaticRetryAttribute>(job, method)) yield return $"{job.Name}.{method.Name} does not say how it is retried";
            }
        }
    }

    /// <param name="lockFile">The text of a packages.lock.json: everything that is restored, whoever asked for it.</param>
    public static IEnumerable<string> ForbiddenPackages(string lockFile, Func<string, bool> forbidden) =>
        from framework in JsonDocument.Parse(lockFile).RootElement.GetProperty("dependencies").EnumerateObject()
        from package in framework.Value.EnumerateObject()
        where package.Value.GetProperty("type").GetString() != "Project" && forbidden(package.Name)
        select package.Name;

    private static bool Carries<T>(Type job, MethodInfo method) where T : Attribute =>
        method.IsDefined(typeof(T), inherit: false) || job.IsDefined(typeof(T), inherit: false);

    private static HashSet<string> Reach(string room, ILookup<string, string> next)
    {
        var reached = new HashSet<string>();
        var open = new Queue<string>([room]);
        while (open.TryDequeue(out var current))
            foreach (var to in next[current])
                if (reached.Add(to)) open.Enqueue(to);
        return reached;
    }
}
