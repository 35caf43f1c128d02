namespace Stories.Tests.Architecture.Twins.Core.Viewing;

internal sealed class KnowsErasure
{
    public Erasure.KnowsViewingByADetour? Other { get; set; }
}
