namespace Stories.Core.Media;

/// <summary>What a probe says of a video; every number is checked before it stands here.</summary>
/// <param name="Width">As stored, before rotation. Of a codec that we do not open: 0.</param>
/// <param name="Height">As stored, before rotation.</param>
/// <param name="Rotation">Degrees clockwise, a multiple of 90.</param>
/// <param name="PixelAspect">Width of a stored pixel by its height.</param>
/// <param name="FramesPerSecond">On average; infinite when the file does not say.</param>
/// <param name="Audio">Null when there is none.</param>
/// <param name="Bytes">Of the whole file.</param>
public sealed record VideoFacts(
    string Codec,
    string Profile,
    int Level,
    string PixelFormat,
    int Width,
    int Height,
    int Rotation,
    double PixelAspect,
    bool IsProgressive,
    bool IsHighDynamicRange,
    double FramesPerSecond,
    TimeSpan Duration,
    int Streams,
    AudioFacts? Audio,
    long Bytes)
{
    /// <summary>Sound that ends a little after the last picture makes a minute's recording longer than a minute.</summary>
    private static readonly TimeSpan Rounding = TimeSpan.FromSeconds(0.5);

    public bool IsTurned => Rotation is 90 or 270;

    public int ShownWidth => IsTurned ? Height : SquareWidth;

    public int ShownHeight => IsTurned ? SquareWidth : Height;

    public int ShortSide => Math.Min(SquareWidth, Height);

    public double BitsPerSecond => Bytes * 8 / Duration.TotalSeconds;

    private int SquareWidth => Math.Max(2, (int)Math.Round(Width * PixelAspect));

    /// <returns>The code of the first limit that the file breaks; null when it keeps all.</returns>
    public string? Refusal(MediaOptions limits)
    {
        if (Streams > limits.VideoStreams) return MediaCodes.TooManyStreams;
        if (Codec != "h264" || Audio is { Codec: not "aac" }) return MediaCodes.CodecRefused;
        if (Width > limits.VideoSide || Height > limits.VideoSide) return MediaCodes.TooManyPixels;
        if (Duration > limits.VideoDuration + Rounding) return MediaCodes.TooLong;
        return FramesPerSecond > limits.VideoFramesPerSecond ? MediaCodes.FrameRateRefused : null;
    }
}

public sealed record AudioFacts(string Codec, string Profile, int SampleRate, int Channels);
