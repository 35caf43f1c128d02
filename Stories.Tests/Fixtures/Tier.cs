namespace Stories.Tests.Fixtures;

/// <summary>Bounded rounds by default; <c>./stories test --long</c> asks for thousands.</summary>
public static class Tier
{
    public static bool IsLong => Environment.GetEnvironmentVariable("STORIES_LONG") == "1";
}
