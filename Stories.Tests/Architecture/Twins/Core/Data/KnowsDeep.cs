namespace Stories.Tests.Architecture.Twins.Core.Data;

internal class KnowsDeep
{
    public Deep.KnowsData? Child { get; set; }
}
