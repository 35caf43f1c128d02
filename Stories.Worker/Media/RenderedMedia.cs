namespace Stories.Worker.Media;

/// <summary>A rendition in scratch, ready to be sealed and stored.</summary>
/// <param name="Segment">Which of a long video's consecutive segments it shows, from 0; null when it is one piece.</param>
public sealed record RenderedFile(string Name, string Path, string MediaType, string? Codecs, int Width, int Height, TimeSpan? Duration, int? Segment = null);

/// <summary>What becomes visible together: one revision.</summary>
/// <param name="Preview">A tiny WebP picture for the manifest.</param>
public sealed record RenditionSet(IReadOnlyList<RenderedFile> Files, byte[]? Preview = null);

/// <param name="Grey">9 × 8 pixels, by the row.</param>
/// <param name="Edges">Percent of pixels on a sharp edge, at the top and at the bottom.</param>
public sealed record PhotoLook(byte[] Grey, byte[] Edges);
