namespace Stories.Tests.Architecture.Twins.Core.Media;

internal sealed class KnowsPosting
{
    public static string Forth => nameof(Forth) + Posting.KnowsMedia.Back;
}
