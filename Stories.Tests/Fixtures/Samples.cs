using System.Text.Json;
using Stories.Protocol;

namespace Stories.Tests.Fixtures;

/// <summary>The media samples, and what must come of each.</summary>
public static class Samples
{
    public static readonly IReadOnlyList<Sample> All =
        JsonSerializer.Deserialize<List<Sample>>(File.ReadAllText(Repository.Path("media-samples", "expected.json")), StoriesJson.Options)!;

    public static TheoryData<string> Good => new(All.Where(s => s.Code is null).Select(s => s.File));

    public static TheoryData<string> Hostile => new(All.Where(s => s.Code is not null).Select(s => s.File));

    public static Sample Of(string file) => All.Single(s => s.File == file);

    public static string PathOf(string file) => Repository.Path("media-samples", file);

    public static string Photo => PathOf("photo-portrait-exif.jpg");

    public static string CompliantVideo => PathOf("video-compliant.mp4");

    public static string PhoneVideo => PathOf("video-portrait-rotated.mp4");
}

public sealed record Sample(string File, Lane Lane, string? Code = null, double? Seconds = null, bool Audio = false, Dictionary<string, int[]>? Renditions = null);
