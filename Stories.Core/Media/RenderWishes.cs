namespace Stories.Core.Media;

/// <summary>What an author asks for beside the usual.</summary>
/// <param name="Avif">Photos as AVIF too.</param>
/// <param name="Split">A video that is too long becomes consecutive segments instead of being refused.</param>
/// <param name="PosterAt">When in a video its poster is to be seen; null: at its beginning.</param>
public sealed record RenderWishes(bool Avif = false, bool Split = false, TimeSpan? PosterAt = null)
{
    public static RenderWishes None { get; } = new();
}
