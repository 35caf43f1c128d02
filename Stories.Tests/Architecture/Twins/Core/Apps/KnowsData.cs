namespace Stories.Tests.Architecture.Twins.Core.Apps;

internal sealed class KnowsData
{
    public static string Name() => typeof(Data.KnowsDeep).Name;
}
