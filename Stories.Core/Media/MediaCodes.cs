namespace Stories.Core.Media;

/// <summary>Why media is refused: shown to the author as the story's code. docs/http.md explains each.</summary>
public static class MediaCodes
{
    public const string UnknownType = "media.unknownType";
    public const string WrongLane = "media.wrongLane";
    public const string Damaged = "media.damaged";
    public const string TooManyPixels = "media.tooManyPixels";
    public const string TooLong = "media.tooLong";
    public const string NoPicture = "media.noPicture";
    public const string PictureCodecRefused = "media.pictureCodecRefused";
    public const string SoundCodecRefused = "media.soundCodecRefused";
    public const string TooManyStreams = "media.tooManyStreams";
    public const string FrameRateRefused = "media.frameRateRefused";
    public const string Limit = "media.limit";

    public static readonly IReadOnlyList<string> All =
        [UnknownType, WrongLane, Damaged, TooManyPixels, TooLong, NoPicture, PictureCodecRefused, SoundCodecRefused, TooManyStreams, FrameRateRefused, Limit];
}

/// <summary>The file is to blame: trying again will not help.</summary>
public sealed class MediaRefusedException(string code) : Exception(code)
{
    public string Code { get; } = code;
}
