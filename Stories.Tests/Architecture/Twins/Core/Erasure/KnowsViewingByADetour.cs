namespace Stories.Tests.Architecture.Twins.Core.Erasure;

internal sealed class KnowsViewingByADetour
{
    public Apps.KnowsViewing? Detour { get; set; }
}
