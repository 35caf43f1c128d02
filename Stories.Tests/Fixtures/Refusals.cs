using Stories.Client;

namespace Stories.Tests.Fixtures;

internal static class Refusals
{
    /// <summary>What the service said instead of doing it.</summary>
    public static Task<StoriesProblemException> Refused(Func<Task> act) => Assert.ThrowsAsync<StoriesProblemException>(act);
}
