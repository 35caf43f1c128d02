namespace Stories.Tests.Architecture.Twins.Core.Data.Deep;

internal sealed class KnowsData : KnowsDeep;
