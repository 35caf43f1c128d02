using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client.Cli;

/// <summary>Why a story did not become live, in words for its author; docs/http.md has the same codes for developers.</summary>
internal static class Refusals
{
    private static readonly Dictionary<string, string> Media = new()
    {
        [ProblemCodes.MediaNotDecryptable] = "The service has no key for this any more; post it again.",
        [ProblemCodes.MediaHeaderRefused] = "The upload was not encrypted as the service expects.",
        [ProblemCodes.MediaDigestMismatch] = "What arrived is not what this device signed; post it again.",
        [ProblemCodes.MediaTruncated] = "The upload arrived damaged; post it again.",
        [ProblemCodes.MediaFailed] = "The service tried three times and failed; it may work later.",
        ["media.unknownType"] = "This is none of JPEG, PNG, WebP, GIF, HEIC, AVIF, MP4, MOV, 3GP, WebM or MKV.",
        ["media.wrongLane"] = "This is a photo with a video's name, or the other way round.",
        ["media.damaged"] = "The file is damaged: it cannot be read to its end.",
        ["media.tooManyPixels"] = "The picture is too large: over 100 megapixels, or a video over 4,096 pixels a side.",
        ["media.tooLong"] = "A video may have 60 seconds at most; --split cuts a longer one into segments.",
        ["media.noPicture"] = "The video has no picture.",
        ["media.pictureCodecRefused"] = "The video's picture is coded in a way that the service does not take.",
        ["media.soundCodecRefused"] = "The video's sound is coded in a way that the service does not take.",
        ["media.tooManyStreams"] = "The video has more than 8 tracks.",
        ["media.frameRateRefused"] = "The video has more than 240 frames a second, or none that make sense.",
        ["media.limit"] = "The file needs more time or space than one may have.",
    };

    private static readonly Dictionary<TakedownReason, string> Takedowns = new()
    {
        [TakedownReason.Illegal] = "is against the law",
        [TakedownReason.ChildSafety] = "endangers children",
        [TakedownReason.SelfHarm] = "encourages self-harm",
        [TakedownReason.Violence] = "shows violence or calls for it",
        [TakedownReason.Nudity] = "shows nudity",
        [TakedownReason.Harassment] = "harasses somebody",
        [TakedownReason.Impersonation] = "pretends to be somebody else's",
        [TakedownReason.Copyright] = "uses what belongs to somebody else",
        [TakedownReason.Spam] = "is spam",
        [TakedownReason.Other] = "breaks the app's rules",
    };

    public static string Say(StoryProgress end) => end.State switch
    {
        StoryState.Withdrawn => "The story was withdrawn.",
        StoryState.TakenDown => SayTakenDown(end.Code),
        StoryState.ExpiredBeforeLive => "The story's time was over before the service came to it.",
        _ => Media.GetValueOrDefault(end.Code ?? "", "The service refused the media."),
    };

    private static string SayTakenDown(string? code) =>
        Takedowns.FirstOrDefault(t => TakedownCodes.Of(t.Key) == code).Value is { } why ? $"A moderator took the story down: it {why}." : "A moderator took the story down.";
}
