namespace Stories.Core.Media;

/// <summary>One size to make.</summary>
public sealed record Rung(string Name, int Width, int Height);

/// <summary>
/// What to make of a video: a pure function of what it is. A source that every player takes is only wrapped anew, which makes
/// it viewable at once; sizes below it follow.
/// </summary>
/// <param name="Remux">The source itself as the first revision.</param>
/// <param name="Rungs">By one decode, largest first.</param>
/// <param name="FramesPerSecond">Of the rungs.</param>
/// <param name="Poster">The first picture.</param>
public sealed record VideoPlan(bool Remux, IReadOnlyList<Rung> Rungs, double FramesPerSecond, Rung Poster)
{
    private static readonly int[] ShortSides = [720, 480];
    private const int PosterSide = 720;
    private const double MostFrames = 30;

    public static VideoPlan For(VideoFacts facts)
    {
        var complies = Incompliance(facts) is null;
        // Beside the source itself only what is smaller is worth making.
        var sides = ShortSides.Where(side => complies ? side < facts.ShortSide : side <= facts.ShortSide).ToList();
        if (sides.Count == 0 && !complies) sides.Add(Math.Max(2, facts.ShortSide / 2 * 2));
        return new VideoPlan(
            complies,
            [.. sides.Select(side => Fit(facts, $"video-{side}", side))],
            Math.Min(facts.FramesPerSecond, MostFrames),
            Fit(facts, "poster", Math.Min(PosterSide, facts.ShortSide)));
    }

    /// <returns>Why players cannot be given the source's own streams; null when they can.</returns>
    public static string? Incompliance(VideoFacts facts) => facts switch
    {
        { Codec: not "h264" } => "codec",
        { Profile: not ("Constrained Baseline" or "Main" or "High") } => "profile",
        { Level: < 9 or > 42 } => "level",
        { PixelFormat: not "yuv420p" } => "pixel format",
        { IsProgressive: false } => "interlaced",
        { IsHighDynamicRange: true } => "dynamic range",
        { PixelAspect: not 1 } => "pixel shape",
        { Rotation: not 0 } => "rotation",
        { ShortSide: > 1080 } => "size",
        _ when Math.Max(facts.Width, facts.Height) > 1920 => "size",
        _ when facts.Width % 2 != 0 || facts.Height % 2 != 0 => "odd size",
        { FramesPerSecond: > 60.5 } => "frame rate",
        { BitsPerSecond: > 10e6 } => "bit rate",
        { Audio: { } audio } when audio is not { Codec: "aac", Profile: "LC", SampleRate: > 0 and <= 48_000, Channels: 1 or 2 } => "audio",
        _ => null,
    };

    private static Rung Fit(VideoFacts facts, string name, int side)
    {
        var scale = (double)side / facts.ShortSide;
        return new Rung(name, Even(facts.ShownWidth * scale), Even(facts.ShownHeight * scale));
    }

    private static int Even(double length) => Math.Max(2, (int)Math.Round(length / 2) * 2);
}
