namespace Stories.Tests.Fixtures;

/// <summary>How much is tried: a bounded number of rounds, or with <c>./stories test --long</c> thousands.</summary>
internal static class Tier
{
    public static bool IsLong => Environment.GetEnvironmentVariable("STORIES_LONG") == "1";

    public static int Rounds(int usually, int inTheLongTier) => IsLong ? inTheLongTier : usually;
}
