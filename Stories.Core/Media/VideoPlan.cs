using Stories.Protocol.Contracts;

namespace Stories.Core.Media;

/// <summary>One size to make.</summary>
public sealed record Rung(string Name, int Width, int Height);

/// <summary>A picture that can be decoded without the ones before.</summary>
/// <param name="Time">When it is shown.</param>
/// <param name="DecodedAt">Earlier, if pictures that are shown before it are decoded after it.</param>
public readonly record struct KeyFrame(TimeSpan Time, TimeSpan DecodedAt);

/// <summary>A stretch of a video, from a key frame on.</summary>
/// <param name="Number">From 0; null when the video is one piece.</param>
/// <param name="CopiedFor">From its start until the next one's key frame is decoded: a copy that goes on longer has that picture too.</param>
public sealed record Segment(int? Number, TimeSpan Start, TimeSpan Duration, TimeSpan CopiedFor);

/// <param name="IsKept">Every player takes it as it is.</param>
/// <param name="Gain">Decibels, for what is not kept.</param>
public sealed record SoundPlan(bool IsKept, double Gain);

/// <summary>
/// What to make of a video: a pure function of what it is. A picture that every player takes is only wrapped anew, which makes
/// it viewable at once; sizes below it follow.
/// </summary>
/// <param name="KeepsPicture">The source's own picture is the first revision.</param>
/// <param name="Sound">Null when there is none.</param>
/// <param name="Rungs">By one decode, largest first.</param>
/// <param name="FramesPerSecond">Of the rungs; null when the source's own stay.</param>
/// <param name="Poster">One picture.</param>
/// <param name="PosterAt">When in the video it is to be seen.</param>
/// <param name="Segments">One, or what a longer video is cut into.</param>
public sealed record VideoPlan(
    bool KeepsPicture, SoundPlan? Sound, IReadOnlyList<Rung> Rungs, double? FramesPerSecond, Rung Poster, TimeSpan PosterAt, IReadOnlyList<Segment> Segments)
{
    /// <summary>EBU R128's measure; a status is heard among others, whose loudness should not jump.</summary>
    public const double TargetLoudness = -16;

    private static readonly int[] ShortSides = [1080, 720, 480, 240];
    private const int PosterSide = 720;

    /// <summary>A source between two sizes keeps its own, unless the smaller one is nearly as large.</summary>
    private const double WorthKeeping = 1.25;

    /// <summary>Nobody hears less.</summary>
    private const double LoudnessTolerance = 1;

    /// <summary>More would lift a room's noise to the loudness of speech.</summary>
    private const double MostGain = 30;

    /// <summary>A player that waits for sound at its start would stand still; a few frames are common and harmless.</summary>
    private static readonly TimeSpan LateTolerance = TimeSpan.FromSeconds(0.1);

    /// <param name="facts">What it is.</param>
    /// <param name="wishes">What its author asks for.</param>
    /// <param name="limits">Those of the service.</param>
    /// <param name="keyFrames">When there is one; needed of what is to be cut.</param>
    public static VideoPlan For(VideoFacts facts, RenderWishes wishes, MediaOptions limits, IReadOnlyList<KeyFrame>? keyFrames = null)
    {
        var segments = facts.IsWithin(limits.VideoDuration) ? [new Segment(null, TimeSpan.Zero, facts.Duration, facts.Duration)] : Cut(facts.Duration, keyFrames ?? [], limits.VideoDuration);
        // A copy of the pictures begins where it can be decoded.
        var keeps = PictureIncompliance(facts) is null && segments.Skip(1).All(segment => keyFrames?.Any(key => key.Time == segment.Start) is true);
        // Beside the source itself only what is smaller is worth making.
        var sides = ShortSides.Where(side => keeps ? side < facts.ShortSide : side <= facts.ShortSide).ToList();
        var own = Math.Max(2, Math.Min(facts.ShortSide, ShortSides[0]) / 2 * 2);
        if (!keeps && own > sides.FirstOrDefault() * WorthKeeping) sides.Insert(0, own);
        var posterAt = wishes.PosterAt is { } wanted && wanted < facts.Duration.TotalSeconds ? TimeSpan.FromSeconds(wanted) : TimeSpan.Zero;
        return new VideoPlan(
            keeps,
            facts.Audio is { } audio ? new SoundPlan(SoundIncompliance(audio) is null, Gain(audio)) : null,
            [.. sides.Select(side => Fit(facts, $"video-{side}", side))],
            Rate(facts, limits.FramesPerSecond),
            Fit(facts, "poster", Math.Min(PosterSide, facts.ShortSide)), posterAt, segments);
    }

    /// <returns>Why players cannot be given the source's own picture; null when they can.</returns>
    public static string? PictureIncompliance(VideoFacts facts) => facts switch
    {
        { Codec: not "h264" } => "codec",
        // Baseline without the constraint is what Android's recorders write. What the constraint forbids nobody encodes, and ffmpeg refuses.
        { Profile: not ("Constrained Baseline" or "Baseline" or "Main" or "High") } => "profile",
        { Level: < 9 or > 42 } => "level",
        { PixelFormat: not "yuv420p" } => "pixel format",
        { IsProgressive: false } => "interlaced",
        { Range: not DynamicRange.Standard } => "dynamic range",
        { Gamut: not Gamut.Standard } => "gamut",
        { PixelAspect: not 1 } => "pixel shape",
        { Rotation: not 0 } or { IsDistorted: true } => "rotation",
        { ShortSide: > 1080 } => "size",
        _ when Math.Max(facts.Width, facts.Height) > 1920 => "size",
        _ when facts.Width % 2 != 0 || facts.Height % 2 != 0 => "odd size",
        { FramesPerSecond: > 60.5 } => "frame rate",
        { BitsPerSecond: > 10e6 } => "bit rate",
        { IsTrimmed: true } => "trimmed",
        _ when facts.LateBy > LateTolerance => "late",
        { BeginsAnew: false } => "beginning",
        _ => null,
    };

    /// <returns>Why players cannot be given the source's own sound; null when they can.</returns>
    public static string? SoundIncompliance(AudioFacts audio) => audio switch
    {
        { Codec: not "aac" } => "codec",
        { Profile: not "LC" } => "profile",
        { SampleRate: <= 0 or > 48_000 } => "sample rate",
        { Channels: not (1 or 2) } => "channels",
        { IsTrimmed: true } => "trimmed",
        _ when audio.LateBy > LateTolerance => "late",
        _ when audio.Gap > VideoFacts.Rounding => "gap",
        _ when Math.Abs(Gain(audio)) > LoudnessTolerance => "loudness",
        _ => null,
    };

    /// <summary>Each ends at its last key frame in time, as a copy of the pictures must; without one, when its time is over.</summary>
    public static IReadOnlyList<Segment> Cut(TimeSpan duration, IReadOnlyList<KeyFrame> keyFrames, TimeSpan most)
    {
        var segments = new List<Segment>();
        for (var start = TimeSpan.Zero; start < duration;)
        {
            var latest = start + most;
            var end = latest + VideoFacts.Rounding >= duration
                ? new KeyFrame(duration, duration)
                : keyFrames.Where(key => key.Time > start && key.Time <= latest).DefaultIfEmpty(new KeyFrame(latest, latest)).MaxBy(key => key.Time);
            segments.Add(new Segment(segments.Count, start, end.Time - start, end.DecodedAt - start));
            start = end.Time;
        }
        return segments;
    }

    private static double Gain(AudioFacts audio) => audio.Loudness is { } loudness ? Math.Clamp(TargetLoudness - loudness, -MostGain, MostGain) : 0;

    /// <summary>A whole part of the source's rate, so that every picture that stays is shown equally long.</summary>
    private static double? Rate(VideoFacts facts, double most)
    {
        if (!facts.IsSteady || !double.IsFinite(facts.FramesPerSecond)) return most;
        return facts.FramesPerSecond <= most + 0.01 ? null : facts.FramesPerSecond / Math.Ceiling(facts.FramesPerSecond / (most + 0.01));
    }

    private static Rung Fit(VideoFacts facts, string name, int side)
    {
        var scale = (double)side / facts.ShortSide;
        return new Rung(name, Even(facts.ShownWidth * scale), Even(facts.ShownHeight * scale));
    }

    private static int Even(double length) => Math.Max(2, (int)Math.Round(length / 2) * 2);
}
