namespace Stories.Tests.Architecture.Twins.Core.Apps;

internal sealed class KnowsViewing
{
    public Viewing.KnowsErasure? Other { get; set; }
}
