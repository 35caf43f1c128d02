using ArchUnitNET.Domain;
using ArchUnitNET.Domain.Dependencies;
using ArchUnitNET.Domain.Extensions;
using ArchUnitNET.Loader;
using Stories.Age;
using Stories.Core.Jobs;
using Stories.Protocol;
using Assembly = System.Reflection.Assembly;

namespace Stories.Tests.Architecture;

/// <summary>One type mentions another: as base, field, signature, attribute, or anywhere in a method's body.</summary>
internal sealed record Knows(string From, string FromRoom, string To, string ToRoom, string? Member)
{
    public override string ToString() => $"{From} knows {Member ?? To}";
}

/// <summary>
/// What a rule is asked about: the product, or its twin, a small house with the same rooms in which every rule is broken on
/// purpose. A rule that finds nothing in the twin would find nothing anywhere.
/// </summary>
internal sealed class House
{
    private static readonly Assembly[] Ours =
        [typeof(AgeFile).Assembly, typeof(StoryManifest).Assembly, typeof(Queues).Assembly, Assembly.Load("Stories.Api"), Assembly.Load("Stories.Worker"), Assembly.Load("Stories.Client")];

    private static readonly Lazy<(House Product, House Twin)> Loaded = new(Load);

    private House(string name, IEnumerable<IType> types)
    {
        Name = name;
        var own = types.ToList();
        Rooms = [.. own.Select(RoomOf).Distinct().Order()];
        Known = [.. own.SelectMany(type => type.Dependencies, Describe).Distinct()];
    }

    public static House Product => Loaded.Value.Product;
    public static House Twin => Loaded.Value.Twin;

    public string Name { get; }

    /// <summary>The namespaces in which a type lives.</summary>
    public IReadOnlyList<string> Rooms { get; }
    public IReadOnlyList<Knows> Known { get; }

    public string Room(string name) => $"{Name}.{name}";

    public static bool IsIn(string room, string outer) => room == outer || room.StartsWith(outer + ".", StringComparison.Ordinal);

    // A type parameter has no namespace, nor has the program of a host.
    private static string RoomOf(IType type) => type.Namespace?.FullName ?? "";

    private static Knows Describe(IType from, ITypeDependency dependency) => new(
        from.FullName, RoomOf(from), dependency.Target.FullName, RoomOf(dependency.Target),
        dependency is MethodCallDependency call ? $"{call.Target.FullName}.{call.TargetMember.Name}" : null);

    private static (House Product, House Twin) Load()
    {
        var twin = $"{typeof(House).Namespace}.Twins";
        var all = new ArchLoader().LoadAssemblies([.. Ours, typeof(House).Assembly]).Build().Types.ToList();
        var names = Ours.Select(assembly => assembly.GetName().Name).ToHashSet();
        return (
            new House("Stories", all.Where(type => names.Contains(type.Assembly.Name.Split(',')[0]))),
            new House(twin, all.Where(type => IsIn(RoomOf(type), twin))));
    }
}
