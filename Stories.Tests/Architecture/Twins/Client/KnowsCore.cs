namespace Stories.Tests.Architecture.Twins.Client;

internal sealed class KnowsCore
{
    public Core.Apps.KnowsData? Other { get; set; }
}
