namespace Stories.Core.Media;

/// <summary>What a probe says of a video; every number is checked before it stands here.</summary>
/// <param name="Width">As stored, before rotation.</param>
/// <param name="Height">As stored, before rotation.</param>
/// <param name="Rotation">Degrees clockwise, a multiple of 90.</param>
/// <param name="FramesPerSecond">On average.</param>
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
    bool HasSquarePixels,
    bool IsProgressive,
    bool IsHighDynamicRange,
    double FramesPerSecond,
    TimeSpan Duration,
    int Streams,
    AudioFacts? Audio,
    long Bytes)
{
    public bool IsTurned => Rotation is 90 or 270;

    public int ShownWidth => IsTurned ? Height : Width;

    public int ShownHeight => IsTurned ? Width : Height;

    public int ShortSide => Math.Min(Width, Height);

    public double BitsPerSecond => Bytes * 8 / Duration.TotalSeconds;

    /// <returns>The code of the first limit that the file breaks; null when it keeps all.</returns>
    public string? Refusal(MediaOptions limits)
    {
        if (Streams > limits.VideoStreams) return MediaCodes.TooManyStreams;
        if (Width > limits.VideoSide || Height > limits.VideoSide) return MediaCodes.TooManyPixels;
        if (Duration > limits.VideoDuration) return MediaCodes.TooLong;
        if (FramesPerSecond > limits.VideoFramesPerSecond) return MediaCodes.FrameRateRefused;
        return Codec == "h264" && (Audio is null || Audio.Codec == "aac") ? null : MediaCodes.CodecRefused;
    }
}

public sealed record AudioFacts(string Codec, string Profile, int SampleRate, int Channels);
