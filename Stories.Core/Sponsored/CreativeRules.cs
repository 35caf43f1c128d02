using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>What must hold of a creative before it is written, and of its media before it is reviewed.</summary>
public static class CreativeRules
{
    public const int MaxCreatives = 1_000;
    public const int MaxHeadline = 34;
    public const int MaxBrand = 25;
    public const int MaxNote = 1_000;

    private const int MaxName = 100;
    private const int MaxLabel = 20;
    private const int MaxAltText = 300;

    // 9:16, with a little room: a phone's own recordings are rarely exact.
    private const double LeastRatio = 0.5, MostRatio = 0.6;

    private static readonly TimeSpan LeastDuration = TimeSpan.FromSeconds(3), MostDuration = TimeSpan.FromSeconds(60);

    public static IReadOnlyList<FieldFault> Find(CreativeFacts? facts)
    {
        var faults = new FieldFaults();
        if (facts is not { CallToAction: not null, Disclosures: not null })
        {
            faults.Require(false, "facts", FieldFaultCode.Missing, "Facts with a call to action, which may be none, and disclosures.");
            return faults.Found;
        }
        faults.RequireText(facts.Label, "label", MaxLabel);
        faults.RequireText(facts.Brand, "brand", MaxBrand);
        faults.RequireText(facts.Headline, "headline", MaxHeadline);
        faults.RequireText(facts.Beneficiary, "beneficiary", MaxName);
        faults.RequireText(facts.Payer, "payer", MaxName);
        faults.RequireText(facts.AltText, "altText", MaxAltText);
        faults.Require(Codes.IsLanguage(facts.Language), "language", FieldFaultCode.Malformed, "Two small letters of ISO 639-1.");
        if (facts.CallToAction.FindFault() is { } field) faults.Require(false, $"callToAction.{char.ToLowerInvariant(field[0])}{field[1..]}", FieldFaultCode.Malformed, "What this kind of call to action takes, and nothing else.");
        return faults.Found;
    }

    /// <summary>Whether the picture itself was refused; else the same may come back with other words, or better made.</summary>
    public static bool IsOfThePicture(IReadOnlyCollection<ReviewReason> reasons) =>
        !reasons.All(r => r is ReviewReason.UnmarkedDisclosure or ReviewReason.WrongBeneficiary or ReviewReason.Quality) || reasons.Count == 0;

    /// <param name="duration">Null for a picture.</param>
    /// <returns>A code, or null.</returns>
    public static string? FindMediaFault(int width, int height, TimeSpan? duration)
    {
        if ((double)width / height is < LeastRatio or > MostRatio) return ProblemCodes.MediaNotPortrait;
        if (duration < LeastDuration) return ProblemCodes.MediaTooShort;
        // A frame more or less is nobody's fault.
        return duration > MostDuration + TimeSpan.FromMilliseconds(100) ? Core.Media.MediaCodes.TooLong : null;
    }
}
