using Stories.Age;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Core.Posting;

/// <summary>What can be said about a publish request without looking anything up.</summary>
public static class Publication
{
    /// <summary>Seconds; longer than any video that we take.</summary>
    private const double MostPosterAt = 3600;

    /// <param name="manifest">The manifest, when the answer is null.</param>
    /// <returns>The code of the first rule that the request breaks; null when it keeps all.</returns>
    public static string? Refusal(Guid story, UserName author, PublishRequest request, DateTimeOffset now, out StoryManifest manifest)
    {
        manifest = null!;
        if (request.Uploads.Count > Limits.UploadsPerStory) return ProblemCodes.StoryTooManyUploads;
        if (request.Payload is { Length: > Limits.PayloadBytes } || request.KeyEnvelope.Length is 0 or > Limits.KeyEnvelopeBytes) return ProblemCodes.StoryPayloadTooLarge;
        if (StoriesJson.ReadCanonical<StoryManifest>(request.Manifest) is not { } read || !IsWhole(read) || read.Story != story || read.Author != author.ToString())
            return ProblemCodes.StoryManifestInvalid;
        if (read.Lifetime < Limits.MinLifetime.TotalSeconds || read.Lifetime > Limits.MaxLifetime.TotalSeconds) return ProblemCodes.StoryLifetimeOutOfRange;
        if ((now - CreatedAt(read)).Duration() > Limits.CreatedAtTolerance) return ProblemCodes.StoryCreatedAtOutOfRange;
        if (now >= CreatedAt(read) + Lifetime(read)) return ProblemCodes.StoryEnded;
        if (request.Wishes is { PosterAt: < 0 or > MostPosterAt }) return ProblemCodes.RequestInvalid;
        if (request.Uploads.Count == 0 && request.Payload is null) return ProblemCodes.StoryEmpty;
        if (request.Uploads.Count > 0 && read.Level == Level.EndToEnd) return ProblemCodes.StoryLevelUnsupported;
        if (read.Uploads.Count != request.Uploads.Count || request.Uploads.Distinct().Count() != request.Uploads.Count ||
            read.Payload != (request.Payload is { } payload ? Digest.Of(payload) : null)) return ProblemCodes.StoryPayloadMismatch;
        manifest = read;
        return null;
    }

    public static DateTimeOffset CreatedAt(StoryManifest manifest) => DateTimeOffset.FromUnixTimeSeconds(manifest.CreatedAt);

    public static TimeSpan Lifetime(StoryManifest manifest) => TimeSpan.FromSeconds(manifest.Lifetime);

    private static bool IsWhole(StoryManifest manifest) =>
        manifest.Uploads is { } uploads && uploads.All(IsWhole) && (manifest.Payload is null || IsWhole(manifest.Payload)) &&
        manifest.CreatedAt is > 0 and < 253402300800 && AgeRecipient.TryParse(manifest.Recipient, out _);

    private static bool IsWhole(Digest digest) => digest is { Sha256.Length: 64, Length: > 0 } && digest.Sha256.All(char.IsAsciiHexDigitLower);
}
