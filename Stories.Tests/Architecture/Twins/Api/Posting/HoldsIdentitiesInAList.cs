using Stories.Age;

namespace Stories.Tests.Architecture.Twins.Api.Posting;

internal sealed class HoldsIdentitiesInAList
{
    public static IReadOnlyList<AgeIdentity> None() => [];
}
