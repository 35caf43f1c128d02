namespace Stories.Tests.Architecture.Twins.Protocol;

internal sealed class KnowsCore
{
    public Core.Apps.KnowsData? Other { get; set; }
}
