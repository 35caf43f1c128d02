namespace Stories.Tests.Architecture.Twins.Worker.Erasure;

internal sealed class KnowsAnotherSlice
{
    public static bool Is(object other) => other is Media.Renders;
}
