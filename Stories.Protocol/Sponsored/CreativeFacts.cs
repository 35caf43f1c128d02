using System.Buffers;
using System.Text.Json.Serialization;

namespace Stories.Protocol.Sponsored;

/// <summary>Everything of a creative that is shown and reviewed, beside its media. Each change is a new creative with a new digest.</summary>
/// <param name="Label">What marks it, for instance <c>Sponsored</c>.</param>
/// <param name="Brand">At most 25 characters.</param>
/// <param name="Headline">At most 34 characters.</param>
/// <param name="Beneficiary">On whose behalf it is shown.</param>
/// <param name="Payer">Who pays; always there, the same as the beneficiary or another.</param>
/// <param name="AltText">What is to be seen, for who cannot see it.</param>
/// <param name="Language">ISO 639-1.</param>
public sealed record CreativeFacts(
    string Label,
    string Brand,
    string Headline,
    string Beneficiary,
    string Payer,
    string AltText,
    string Language,
    CallToAction CallToAction,
    Disclosures Disclosures);

/// <param name="MadeByAi">Pictures or voices are not of what they seem to be.</param>
/// <param name="AdultsOnly">Goods that minors may not be offered.</param>
/// <param name="Finance">Credit, investments or insurance.</param>
public sealed record Disclosures(bool MadeByAi = false, bool AdultsOnly = false, bool Finance = false);

public enum CallToActionKind
{
    None,

    /// <summary>Opens a conversation with the business, with a draft that the person sees and may change.</summary>
    MessageBusiness,
    OpenProduct,

    /// <summary>Hands a signed offer over to the app's own payment screen.</summary>
    Pay,

    /// <summary>A fixed address, the same for everybody.</summary>
    OpenUrl,
}

/// <param name="Target">The business (<c>app/user</c>), the product, or the address; null for <c>none</c> and <c>pay</c>.</param>
/// <param name="DraftText">For <c>messageBusiness</c>: what stands in the message before the person changes it.</param>
/// <param name="Code">For <c>messageBusiness</c>: says from which creative it comes; the same for everybody, seen and removable.</param>
/// <param name="Offer">For <c>pay</c> and, if there is one, <c>openProduct</c>: which offer.</param>
public sealed record CallToAction(CallToActionKind Kind, string? Target = null, string? DraftText = null, string? Code = null, Guid? Offer = null)
{
    /// <summary>What a macro, or a careless page, would be made of.</summary>
    private static readonly SearchValues<char> Unfixed = SearchValues.Create("{}[]$%\\^<>\"` ");

    public static CallToAction None { get; } = new(CallToActionKind.None);

    /// <returns>Which field is wrong, or null.</returns>
    public string? FindFault() => Kind switch
    {
        CallToActionKind.None => this == None ? null : nameof(Kind),
        CallToActionKind.MessageBusiness when !UserName.TryParse(Target, out _) => nameof(Target),
        CallToActionKind.MessageBusiness => !IsText(DraftText, 500) ? nameof(DraftText) : !IsText(Code, 20) ? nameof(Code) : Offer is null ? null : nameof(Offer),
        CallToActionKind.OpenProduct => !IsText(Target, 200) ? nameof(Target) : DraftText is not null ? nameof(DraftText) : Code is null ? null : nameof(Code),
        CallToActionKind.Pay => Offer is null ? nameof(Offer) : Target is not null ? nameof(Target) : DraftText is not null ? nameof(DraftText) : Code is null ? null : nameof(Code),
        CallToActionKind.OpenUrl when !IsFixedUrl(Target) => nameof(Target),
        CallToActionKind.OpenUrl => DraftText is not null ? nameof(DraftText) : Code is not null ? nameof(Code) : Offer is null ? null : nameof(Offer),
        _ => nameof(Kind),
    };

    /// <summary>An https address without a name, a password, or anything that a device would fill in.</summary>
    private static bool IsFixedUrl(string? text) =>
        text is { Length: <= 500 } && Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttps && url.UserInfo.Length == 0 &&
        !text.AsSpan().ContainsAny(Unfixed) && !text.Any(char.IsControl);

    private static bool IsText(string? text, int most) => text is { Length: > 0 } && text.Length <= most && !text.Any(char.IsControl);
}

/// <summary>One file of a creative, rendered by the service.</summary>
/// <param name="Name">What it is for, for instance <c>video-720</c>, <c>poster</c>: as a rendition's.</param>
/// <param name="Duration">Milliseconds, for video.</param>
/// <param name="Blob">Its bytes: checked by the device before they are shown.</param>
public sealed record CreativeMedia(string Name, string MediaType, string? Codecs, int Width, int Height, long? Duration, Digest Blob);

/// <summary>What a creative's digest is taken of: what was reviewed is what is shown.</summary>
public sealed record CreativeContent(CreativeFacts Facts, IReadOnlyList<CreativeMedia> Media)
{
    /// <summary>SHA-256 over the JSON bytes, lower-case hex.</summary>
    [JsonIgnore]
    public string Digest => Protocol.Digest.Of(StoriesJson.Write(this)).Sha256;

    [JsonIgnore]
    public bool IsVideo => Media.Any(m => m.Duration is not null);
}
