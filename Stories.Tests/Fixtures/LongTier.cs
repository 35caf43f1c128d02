namespace Stories.Tests.Fixtures;

/// <summary><c>./stories test --long</c>: the same promises, tried far more often.</summary>
internal static class LongTier
{
    private static readonly bool IsOn = Environment.GetEnvironmentVariable("STORIES_LONG") == "1";

    public static int Rounds(int usually, int inTheLongTier) => IsOn ? inTheLongTier : usually;
}
