using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Stories.Protocol.Sponsored;

/// <summary>
/// Everything that may be shown to a cell in one epoch: the same bytes for everybody in it. The device chooses from it; the service
/// never learns what a device has seen before. Signed by the service.
/// </summary>
/// <param name="Deployment">Of the service: several may share one signing key.</param>
/// <param name="Epoch">Unix seconds: when it begins; a multiple of <see cref="EpochSeconds"/>.</param>
/// <param name="Policy">Ad load and caps for all; it comes with the catalog and never with a win, so that a lifted cap reaches everybody.</param>
public sealed record Catalog(
    string Deployment, Cell Cell, long Epoch, AdPolicy Policy, IReadOnlyList<CatalogLine> Lines, IReadOnlyList<CatalogCreative> Creatives)
{
    public const int EpochSeconds = 5 * 60;
    public const int MaxLines = 1_000;

    /// <summary>How long a device may choose from a catalog that it could not renew.</summary>
    public static readonly TimeSpan OfflineLife = TimeSpan.FromHours(48);

    /// <summary>A clock may be off by so much and not take a catalog for one from the future.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(10);

    public static long EpochAt(DateTimeOffset now) => now.ToUnixTimeSeconds() / EpochSeconds * EpochSeconds;

    /// <param name="serviceKey">The service's Ed25519 public key, as pinned.</param>
    /// <param name="deployment">As pinned, or null to take any.</param>
    /// <param name="catalog">Null unless there is no fault.</param>
    public static CatalogFault? FindFault(
        SignedRecord record, ReadOnlySpan<byte> serviceKey, string? deployment, Cell cell, DateTimeOffset now, out Catalog? catalog)
    {
        catalog = null;
        if (!Signatures.Verify(serviceKey, SignaturePurpose.Catalog, record.Bytes, record.Signature)) return CatalogFault.NotSigned;
        if (StoriesJson.ReadCanonical<Catalog>(record.Bytes) is not { } read || !read.IsWhole()) return CatalogFault.Malformed;
        if (deployment is not null && read.Deployment != deployment) return CatalogFault.AnotherDeployment;
        if (!read.Cell.Holds(cell)) return CatalogFault.AnotherCell;
        if (read.FindFault(now) is { } fault) return fault;
        catalog = read;
        return null;
    }

    /// <summary>What may become of a verified catalog as time goes on.</summary>
    public CatalogFault? FindFault(DateTimeOffset now)
    {
        if (DateTimeOffset.FromUnixTimeSeconds(Epoch) > now + ClockTolerance) return CatalogFault.FromTheFuture;
        return DateTimeOffset.FromUnixTimeSeconds(Epoch) < now - OfflineLife ? CatalogFault.TooOld : null;
    }

    private bool IsWhole()
    {
        if (this is not { Deployment: not null, Cell: not null, Policy: not null, Lines.Count: <= MaxLines, Creatives: not null, Epoch: >= 0 } || Epoch % EpochSeconds != 0 || Epoch > MaxEpoch) return false;
        if (Policy.FindFault() is not null || !Cell.IsWhole) return false;
        if (Creatives.Any(c => c is null || !c.IsWhole())) return false;
        var creatives = Creatives.Select(c => c.Digest).ToHashSet();
        return creatives.Count == Creatives.Count && Lines.All(l => l is not null && l.IsWhole(creatives)) && Lines.DistinctBy(l => l.Id).Count() == Lines.Count;
    }

    /// <summary>What <see cref="DateTimeOffset"/> can hold.</summary>
    private const long MaxEpoch = 253_402_300_200;
}

/// <summary>Who sees the same. A small cell is merged upward: its language becomes null, then its country.</summary>
/// <param name="Country">ISO 3166-1 alpha-2; null: any.</param>
/// <param name="Language">ISO 639-1; null: any.</param>
public sealed record Cell(string App, Placement Placement, string? Country, string? Language, AgeBand Age)
{
    private const string Any = "*";

    /// <summary>Whether its parts are names as they travel.</summary>
    [JsonIgnore]
    public bool IsWhole => UserName.IsApp(App) && (Country is null || Codes.IsCountry(Country)) && (Language is null || Codes.IsLanguage(Language)) && (Country is not null || Language is null);

    /// <summary>Whether this is the cell itself or one that it was merged into. What is made for adults is never given to an unknown age.</summary>
    public bool Holds(Cell cell) =>
        App == cell.App && Placement == cell.Placement && Age == cell.Age && (Country is null || Country == cell.Country) && (Language is null || Language == cell.Language);

    /// <summary>From its name; false for what is none.</summary>
    public static bool TryParse(string? name, [NotNullWhen(true)] out Cell? cell)
    {
        cell = name?.Split('/') is [var app, "tray", var country, var language, "unknown" or "adult"] parts
            ? new Cell(app, Placement.Tray, country == Any ? null : country, language == Any ? null : language, parts[4] == "adult" ? AgeBand.Adult : AgeBand.Unknown)
            : null;
        if (cell is { IsWhole: false }) cell = null;
        return cell is not null;
    }

    /// <summary>Its name, for instance <c>chat-dev/tray/DE/de/unknown</c>, with <c>*</c> for any.</summary>
    public override string ToString() => Name(App, Placement.ToString().ToLowerInvariant(), Country, Language, Age.ToString().ToLowerInvariant());

    public static string Name(string app, string placement, string? country, string? language, string age) => $"{app}/{placement}/{country ?? Any}/{language ?? Any}/{age}";
}

/// <summary>Names of countries and languages as they travel.</summary>
public static class Codes
{
    public static bool IsCountry(string? code) => code is { Length: 2 } && code.All(char.IsAsciiLetterUpper);

    public static bool IsLanguage(string? code) => code is { Length: 2 } && code.All(char.IsAsciiLetterLower);

    public static bool IsCurrency(string? code) => code is { Length: 3 } && code.All(char.IsAsciiLetterUpper);
}

/// <param name="Pass">How likely it is to take part in a choice, in 64ths: 0 to 64.</param>
/// <param name="Windows">When it may be shown, within the next 48 hours: days, dayparts and daylight saving are already reckoned with.</param>
/// <param name="Caps">The line's own; each counts what its level says.</param>
/// <param name="Category">Not shown near another of the same.</param>
/// <param name="Countries">Empty: any. The device asks: its cell may be merged with others.</param>
/// <param name="Languages">Empty: any.</param>
/// <param name="Creatives">Digests; the device takes them in turn.</param>
public sealed record CatalogLine(
    Guid Id,
    Guid Campaign,
    Guid Advertiser,
    Tier Tier,
    int Weight,
    int Pass,
    IReadOnlyList<Window> Windows,
    IReadOnlyList<Cap> Caps,
    string? Category,
    IReadOnlyList<string> Countries,
    IReadOnlyList<string> Languages,
    IReadOnlyList<string> Creatives)
{
    public const int MaxPass = 64;
    public const int MaxWeight = 1_000;

    public bool IsFor(string? country, string? language) =>
        (Countries.Count == 0 || (country is not null && Countries.Contains(country))) && (Languages.Count == 0 || (language is not null && Languages.Contains(language)));

    internal bool IsWhole(HashSet<string> creatives) =>
        this is { Weight: >= 1 and <= MaxWeight, Pass: >= 0 and <= MaxPass, Windows: not null, Caps: not null, Countries: not null, Languages: not null, Creatives.Count: > 0 } &&
        Enum.IsDefined(Tier) && Windows.All(w => w is not null && w.From < w.To) &&
        Caps.All(c => c is { Most: >= 0, Seconds: > 0 and <= Cap.MaxSeconds } && Enum.IsDefined(c.Level)) && Creatives.All(c => c is not null && creatives.Contains(c));
}

/// <param name="From">Unix seconds.</param>
/// <param name="To">Unix seconds, exclusive.</param>
public sealed record Window(long From, long To)
{
    public bool Holds(DateTimeOffset now) => now.ToUnixTimeSeconds() >= From && now.ToUnixTimeSeconds() < To;
}

/// <param name="Digest">Of <see cref="CreativeContent"/>.</param>
/// <param name="Media">Its files with the addresses at which everybody in the cell fetches them.</param>
/// <param name="WhyThis">Country, language and time only: there is nothing else that a choice could rest on.</param>
/// <param name="AdvertiserName">Whose it is, as it is shown.</param>
/// <param name="Offer">For <c>pay</c>: what the merchant signed.</param>
/// <param name="OfferKey">The merchant's Ed25519 key.</param>
public sealed record CatalogCreative(
    string Digest,
    CreativeFacts Facts,
    IReadOnlyList<CatalogMedia> Media,
    string AdvertiserName,
    string WhyThis,
    SignedRecord? Offer = null,
    byte[]? OfferKey = null)
{
    [JsonIgnore]
    public bool IsVideo => Media.Any(m => m.File.Duration is not null);

    /// <summary>The digest is of what stands here: no service can show one thing and have another reviewed.</summary>
    internal bool IsWhole() =>
        this is
        {
            Digest: not null,
            Facts: { Label: not null, Brand: not null, Headline: not null, Beneficiary: not null, Payer: not null, AltText: not null, Language: not null, CallToAction: { } action, Disclosures: not null },
            Media.Count: > 0,
            AdvertiserName: not null,
            WhyThis: not null
        } &&
        action.FindFault() is null && (action.Kind != CallToActionKind.Pay || this is { Offer: not null, OfferKey: not null }) &&
        Media.All(m => m is { Url: not null, File: { MediaType: not null, Blob.Sha256: not null } } && RenditionEntry.IsName(m.File.Name)) &&
        new CreativeContent(Facts, [.. Media.Select(m => m.File)]).Digest == Digest;
}

/// <param name="Url">Read-only, the same for everybody in the cell, until the epoch's end and 10 minutes.</param>
public sealed record CatalogMedia(CreativeMedia File, string Url);

public enum CatalogFault
{
    NotSigned,
    Malformed,
    AnotherDeployment,
    AnotherCell,
    FromTheFuture,
    TooOld,
}
