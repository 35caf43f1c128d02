using System.Security.Cryptography;

namespace Stories.Protocol;

/// <summary>
/// What an author's device signs. Everything about content (caption, dimensions) is inside the payload, which is
/// age-encrypted to <paramref name="Recipient"/>; only its digest stands here.
/// </summary>
/// <param name="Story">Chosen by the client, 128 random bits.</param>
/// <param name="Author"><c>app/user</c>.</param>
/// <param name="Device">The device whose key signs.</param>
/// <param name="Recipient">The story's own age recipient (<c>age1…</c>).</param>
/// <param name="CreatedAt">Unix seconds by the device's clock.</param>
/// <param name="Lifetime">Seconds.</param>
/// <param name="Uploads">In the order in which they are shown.</param>
/// <param name="Payload">The sealed payload, when there is one.</param>
public sealed record StoryManifest(
    Guid Story,
    string Author,
    Guid Device,
    Guid Audience,
    int Epoch,
    Level Level,
    string Recipient,
    long CreatedAt,
    int Lifetime,
    IReadOnlyList<Digest> Uploads,
    Digest? Payload = null);

/// <summary>Bytes as they travel: their SHA-256 in lower-case hex, and how many.</summary>
public sealed record Digest(string Sha256, long Length)
{
    public static Digest Of(ReadOnlySpan<byte> bytes) => new(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length);
}

/// <summary>
/// What the worker signs for each revision of a story's renditions. At level <c>clear</c> it travels as it is; at
/// <c>processed</c> it is age-encrypted to the story's recipient.
/// </summary>
/// <param name="AuthorManifest">SHA-256 of the author's manifest bytes: these renditions were made for that one.</param>
/// <param name="Preview">A tiny WebP picture, base64.</param>
public sealed record RenditionManifest(
    Guid Story,
    int Revision,
    string AuthorManifest,
    IReadOnlyList<RenditionEntry> Renditions,
    byte[]? Preview = null);

/// <param name="Part">The number under which the service hands out the blob's URL.</param>
/// <param name="Upload">Which of the story's uploads it was made from, from 0.</param>
/// <param name="Name">What it is for, for instance <c>video-720</c>, <c>poster</c>, <c>photo-1080</c>: at most 40 lower-case letters, digits and dashes.</param>
/// <param name="Codecs">The codec string of RFC 6381, for video.</param>
/// <param name="Duration">Milliseconds, for video.</param>
/// <param name="ContentLength">Bytes of the media itself, without padding and encryption.</param>
/// <param name="Blob">The bytes in storage.</param>
/// <param name="Segment">Which of a long video's consecutive segments it shows, from 0; null when it is one piece.</param>
public sealed record RenditionEntry(
    int Part,
    int Upload,
    string Name,
    string MediaType,
    string? Codecs,
    int Width,
    int Height,
    long? Duration,
    long ContentLength,
    Digest Blob,
    int? Segment = null)
{
    private const int MaxName = 40;

    /// <summary>Clients make files' names of it.</summary>
    public static bool IsName(string? name) => name is { Length: > 0 and <= MaxName } && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    public bool IsWhole() => IsName(Name) && this is { MediaType: not null, Width: > 0, Height: > 0, ContentLength: >= 0, Blob.Sha256: not null };
}

/// <summary>Signed bytes with the name of the key that signed them.</summary>
public sealed record SignedRecord(byte[] Bytes, byte[] Signature, string Key);

/// <summary>What viewers find inside a story's payload once it is decrypted.</summary>
public sealed record StoryPayload(string? Caption = null, IReadOnlyList<PayloadMedia>? Media = null);

/// <param name="MediaType">As the author's device saw it.</param>
public sealed record PayloadMedia(string MediaType, long ContentLength);

/// <summary>One signed entry of the processing-key list.</summary>
/// <param name="Recipient">The age recipient to which uploads are encrypted.</param>
/// <param name="NotAfter">Unix seconds: uploads may name the key until then.</param>
public sealed record ProcessingKeyEntry(Guid Id, string Recipient, long NotAfter);
