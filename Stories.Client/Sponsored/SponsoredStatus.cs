using Stories.Protocol.Sponsored;

namespace Stories.Client.Sponsored;

/// <summary>A sponsored status that is to be shown now: the log has it already.</summary>
/// <param name="Record">As it goes out when nobody ends it.</param>
/// <param name="Line">What was booked.</param>
/// <param name="Creative">What is shown; its label, beneficiary and payer are always to be seen or one tap away.</param>
/// <param name="Files">Its media on this device, digests verified; they stay until it is ended.</param>
/// <param name="Offer">For <c>pay</c>, and for <c>openProduct</c> that names one: what the merchant signed, verified and not expired. For the app's own payment screen.</param>
public sealed record SponsoredStatus(AdRecord Record, CatalogLine Line, CatalogCreative Creative, IReadOnlyList<AdFile> Files, Offer? Offer)
{
    /// <summary>What "why do I see this?" shows.</summary>
    public WhyThis Why => new(Creative.WhyThis, Creative.AdvertiserName, Creative.Facts.Beneficiary, Creative.Facts.Payer, Creative.Facts.Disclosures);
}

/// <summary>One file of a creative.</summary>
/// <param name="File">What it is.</param>
/// <param name="Path">Where it lies on this device.</param>
public sealed record AdFile(CreativeMedia File, string Path);

/// <summary>Everything that a choice rested on, and who is behind it. The device chose by itself; the service does not know that it did.</summary>
/// <param name="Reason">In words: country, language and time only.</param>
/// <param name="Advertiser">As it is shown.</param>
/// <param name="Beneficiary">On whose behalf.</param>
/// <param name="Payer">Who pays.</param>
/// <param name="Disclosures">What else must be said.</param>
public sealed record WhyThis(string Reason, string Advertiser, string Beneficiary, string Payer, Disclosures Disclosures);

/// <summary>What became of a sponsored status on the screen.</summary>
/// <param name="Furthest">The furthest that was seen; of a picture: <c>Complete</c> when its time ran out.</param>
/// <param name="OnScreen">How long; only its bucket is kept.</param>
/// <param name="Skipped">Ended by the person before its end; says nothing with <c>Complete</c>.</param>
/// <param name="Action">What the person did; hiding and reporting also hide it on this device, at once.</param>
public sealed record AdEnd(Quartile Furthest, TimeSpan OnScreen, bool Skipped, AdAction Action = AdAction.None);

/// <summary>What stands at a boundary: a sponsored status, or nothing and why.</summary>
/// <param name="Status">To be shown now, and ended by <see cref="SponsoredStatuses.End"/>; null: show the next person.</param>
/// <param name="Reason">Why there is none; null when there is one.</param>
/// <param name="Gate">What the gate said; null when there was no catalog to ask it by.</param>
/// <param name="Trouble">With <see cref="NoAd.LogUnavailable"/>: what kept the log from being read or written.</param>
public sealed record AdDecision(SponsoredStatus? Status, NoAd? Reason, GateReason? Gate, Exception? Trouble = null);

/// <summary>Why nothing sponsored is shown.</summary>
public enum NoAd
{
    /// <summary>There is no verified catalog that is younger than 48 hours.</summary>
    NoCatalog,

    /// <summary>See <see cref="AdDecision.Gate"/>.</summary>
    GateShut,

    /// <summary>Nothing in the catalog is for this device now, with its media here.</summary>
    NothingToShow,

    /// <summary>The log cannot be read or written: what could not be remembered is not shown.</summary>
    LogUnavailable,
}

/// <summary>What came of asking for a catalog.</summary>
public enum CatalogNews
{
    /// <summary>The one that is here is of this epoch, or was asked for a moment ago.</summary>
    Current,

    /// <summary>There is another.</summary>
    Renewed,

    /// <summary>The service gave one that is not taken; the last good one stays.</summary>
    Refused,

    /// <summary>The service could not be reached, or has none; the last good one stays.</summary>
    Unavailable,
}

/// <summary>What came of asking for a catalog, and why.</summary>
/// <param name="News">The outcome.</param>
/// <param name="Fault">With <see cref="CatalogNews.Refused"/>: what is wrong with it; null when it is an older one than that which is here.</param>
/// <param name="Trouble">With <see cref="CatalogNews.Unavailable"/>: what happened; with <see cref="CatalogNews.Renewed"/>: why it could not be kept for later.</param>
public sealed record CatalogRefresh(CatalogNews News, CatalogFault? Fault = null, Exception? Trouble = null);

/// <summary>What came of fetching media ahead.</summary>
/// <param name="Ready">Creatives that can be shown now.</param>
/// <param name="Troubles">One for each creative that could not be fetched.</param>
public sealed record AdPrefetch(int Ready, IReadOnlyList<Exception> Troubles);

/// <summary>What came of submitting.</summary>
/// <param name="Done">Records that need not be kept any more.</param>
/// <param name="Waiting">Records that are kept for the next time.</param>
/// <param name="Trouble">What ended it early; null when all went out.</param>
public sealed record AdSubmission(int Done, int Waiting, Exception? Trouble = null);

/// <summary>What an app may set.</summary>
public sealed record SponsoredOptions
{
    /// <summary>The service's deployment, when the app knows it; null takes any that the pinned key signs.</summary>
    public string? Deployment { get; init; }

    /// <summary>How many creatives are fetched ahead.</summary>
    public int FetchedAhead { get; init; } = 4;

    /// <summary>A creative whose files are together larger than so many bytes is never fetched, and never shown.</summary>
    public long MaxCreativeBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Which of a creative's files this device shows. Usually the first of each kind, a kind being the name up to its dash: a video and its poster, or a picture.</summary>
    public Func<CatalogCreative, IReadOnlyList<CatalogMedia>> Pick { get; init; } = creative => [.. creative.Media.DistinctBy(m => m.File.Name.Split('-')[0])];
}
