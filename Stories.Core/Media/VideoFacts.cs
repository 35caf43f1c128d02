namespace Stories.Core.Media;

public enum DynamicRange
{
    Standard,

    /// <summary>Hybrid log-gamma (ARIB STD-B67).</summary>
    Hlg,

    /// <summary>Perceptual quantizer (SMPTE ST 2084).</summary>
    Pq,
}

/// <summary>The colours that its numbers mean.</summary>
public enum Gamut
{
    /// <summary>Those of BT.709 and sRGB, or near enough.</summary>
    Standard,
    DisplayP3,
    Bt2020,
}

/// <summary>Matrix, primaries and transfer are three tags.</summary>
public enum ColorTags
{
    None,

    /// <summary>The matrix, and not both of the others.</summary>
    Matrix,
    All,
}

/// <summary>What a probe says of a video; every number is checked before it stands here.</summary>
/// <param name="Track">Which of the file's tracks is shown.</param>
/// <param name="Width">As stored, before rotation. Of a codec that we do not open: 0.</param>
/// <param name="Height">As stored, before rotation.</param>
/// <param name="Rotation">Degrees clockwise, a multiple of 90.</param>
/// <param name="PixelAspect">Width of a stored pixel by its height.</param>
/// <param name="Colors">What it says of how its colours are to be read.</param>
/// <param name="FramesPerSecond">On average; infinite when the file does not say.</param>
/// <param name="IsSteady">Every picture is shown equally long.</param>
/// <param name="Audio">The track that is heard; null when there is none.</param>
/// <param name="Bytes">Of the whole file.</param>
public sealed record VideoFacts(
    int Track,
    string Codec,
    string Profile,
    int Level,
    string PixelFormat,
    int Width,
    int Height,
    int Rotation,
    double PixelAspect,
    bool IsProgressive,
    DynamicRange Range,
    Gamut Gamut,
    ColorTags Colors,
    double FramesPerSecond,
    bool IsSteady,
    TimeSpan Duration,
    int Streams,
    AudioFacts? Audio,
    long Bytes)
{
    public static readonly IReadOnlyList<string> PictureCodecs = ["h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg"];

    public static readonly IReadOnlyList<string> SoundCodecs = ["aac", "opus", "vorbis", "mp3", "amr_nb", "amr_wb",
        "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be", "pcm_u8", "pcm_s8", "pcm_alaw", "pcm_mulaw"];

    private static readonly string[] SequenceCodecs = ["hevc", "av1"];

    /// <summary>Sound that ends a little after the last picture makes a minute's recording longer than a minute.</summary>
    public static readonly TimeSpan Rounding = TimeSpan.FromSeconds(0.5);

    /// <summary>An edit list hides pictures that are still in the file: who trimmed it does not want them seen.</summary>
    public bool IsTrimmed { get; init; }

    /// <summary>Its matrix does something else to the picture than to turn it by right angles.</summary>
    public bool IsDistorted { get; init; }

    /// <summary>When the first of its tracks begins, on the file's own clock.</summary>
    public TimeSpan Begins { get; init; }

    /// <summary>The picture begins so long after that.</summary>
    public TimeSpan LateBy { get; init; }

    /// <summary>What it shows first is an IDR picture: a MediaSource begins at no other, though decoders may. Looked for only in what would be kept.</summary>
    public bool BeginsAnew { get; init; } = true;

    public bool IsTurned => Rotation is 90 or 270;

    public int ShownWidth => IsTurned ? Height : SquareWidth;

    public int ShownHeight => IsTurned ? SquareWidth : Height;

    public int ShortSide => Math.Min(SquareWidth, Height);

    public double BitsPerSecond => Bytes * 8 / Duration.TotalSeconds;

    private int SquareWidth => Math.Max(2, (int)Math.Round(Width * PixelAspect));

    /// <param name="limits">Those of the service.</param>
    /// <param name="maySplit">A longer one is cut into segments.</param>
    /// <returns>The code of the first limit that the file breaks; null when it keeps all.</returns>
    public string? Refusal(MediaOptions limits, bool maySplit = false)
    {
        if (Streams > limits.VideoStreams) return MediaCodes.TooManyStreams;
        if (!PictureCodecs.Contains(Codec)) return MediaCodes.PictureCodecRefused;
        if (Audio is { } audio && !SoundCodecs.Contains(audio.Codec)) return MediaCodes.SoundCodecRefused;
        if (Width > limits.VideoSide || Height > limits.VideoSide) return MediaCodes.TooManyPixels;
        if (!IsWithin(maySplit ? limits.SplitVideoDuration : limits.VideoDuration)) return MediaCodes.TooLong;
        return FramesPerSecond > limits.VideoFramesPerSecond ? MediaCodes.FrameRateRefused : null;
    }

    /// <returns>The code of the first limit that it breaks as an image sequence (ISO 23008-12, section 7); null when it keeps all.</returns>
    public string? SequenceRefusal(MediaOptions limits)
    {
        if (!SequenceCodecs.Contains(Codec)) return MediaCodes.PictureCodecRefused;
        var pictures = Math.Round(Duration.TotalSeconds * FramesPerSecond);
        return pictures > limits.PhotoPages || pictures * Width * Height > limits.PhotoMegapixels * 1e6 ? MediaCodes.TooManyPixels : null;
    }

    public bool IsWithin(TimeSpan duration) => Duration <= duration + Rounding;
}

/// <param name="Track">Which of the file's tracks is heard.</param>
/// <param name="LateBy">It begins so long after the picture.</param>
/// <param name="Gap">The longest time for which there is none of it.</param>
/// <param name="Loudness">LUFS by EBU R128; null when it is silent, or was not measured.</param>
/// <param name="IsTrimmed">An edit list hides more of it than what an encoder needs to begin.</param>
public sealed record AudioFacts(
    int Track, string Codec, string Profile, int SampleRate, int Channels, TimeSpan LateBy = default, TimeSpan Gap = default, double? Loudness = null, bool IsTrimmed = false);
