using System.Text.Json;
using Stories.Protocol;

namespace Stories.Tests.Fixtures;

/// <summary>The media samples, and what must come of each.</summary>
public static class Samples
{
    public static readonly IReadOnlyList<Sample> All =
        JsonSerializer.Deserialize<List<Sample>>(File.ReadAllText(Repository.Path("media-samples", "expected.json")), StoriesJson.Options)!;

    /// <summary>What a picture with corners shows, at places given as parts of its width and height.</summary>
    public static readonly IReadOnlyList<Spot> Corners =
        [new(0.1, 0.1, 200, 30, 30), new(0.9, 0.1, 30, 160, 30), new(0.1, 0.9, 40, 60, 200), new(0.9, 0.9, 230, 200, 40)];

    public static TheoryData<string> Good => new(All.Where(s => s.Code is null).Select(s => s.File));

    public static TheoryData<string> Hostile => new(All.Where(s => s.Code is not null).Select(s => s.File));

    public static Sample Of(string file) => All.Single(s => s.File == file);

    public static string PathOf(string file) => Repository.Path("media-samples", file);

    public static string Photo => PathOf("photo-portrait-exif.jpg");

    public static string CompliantVideo => PathOf("video-compliant.mp4");

    public static string PhoneVideo => PathOf("video-portrait-rotated.mp4");

    /// <summary>
    /// By how much of 255 a channel may be off. Two lossy codecs in a row take up to 8; a profile that is not heeded is 19 or more.
    /// Tone mapping is a matter of taste: the usual curves come within 60, none at all leaves 100.
    /// </summary>
    public static int ToleranceOf(CornerColors corners) => corners switch
    {
        CornerColors.Exact => 12,
        CornerColors.ToneMapped => 25,
        _ => throw new ArgumentOutOfRangeException(nameof(corners)),
    };
}

/// <param name="X">A part of the picture's width.</param>
/// <param name="Y">A part of the picture's height.</param>
public sealed record Spot(double X, double Y, int Red, int Green, int Blue)
{
    /// <summary>What a picture of three bytes a pixel shows there.</summary>
    public Spot In(ReadOnlySpan<byte> pixels, int width, int height)
    {
        var pixel = pixels[(((int)(Y * height) * width + (int)(X * width)) * 3)..];
        return this with { Red = pixel[0], Green = pixel[1], Blue = pixel[2] };
    }

    public int DistanceTo(Spot other) => Math.Max(Math.Abs(Red - other.Red), Math.Max(Math.Abs(Green - other.Green), Math.Abs(Blue - other.Blue)));
}

public enum CornerColors
{
    Exact,
    ToneMapped,
}

/// <param name="Animated">A picture that becomes a video without sound.</param>
/// <param name="Corners">How well the four corners must be kept; null when the picture has none.</param>
/// <param name="Tone">The pitch, in hertz, that must be heard.</param>
public sealed record Sample(
    string File,
    Lane Lane,
    string? Code = null,
    double? Seconds = null,
    bool Audio = false,
    Dictionary<string, int[]>? Renditions = null,
    bool Animated = false,
    CornerColors? Corners = null,
    double? Tone = null);
