namespace Stories.Tests.Architecture.Twins.Core.Posting;

internal sealed class KnowsMedia
{
    public static string Back { get; } = "back";

    public static Media.KnowsPosting? There { get; set; }
}
