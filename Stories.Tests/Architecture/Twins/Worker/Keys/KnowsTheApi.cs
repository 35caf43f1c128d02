namespace Stories.Tests.Architecture.Twins.Worker.Keys;

internal sealed class KnowsTheApi
{
    public static Type Other => typeof(Api.Viewing.KnowsStorage);
}
