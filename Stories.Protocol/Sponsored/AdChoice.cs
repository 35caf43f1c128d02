namespace Stories.Protocol.Sponsored;

/// <summary>
/// Which sponsored status is shown: the device's own choice among all that its cell may see. docs/vectors has the rule for other languages.
/// </summary>
public static class AdChoice
{
    /// <summary>How long ago a status of a competitor may lie and not count as near.</summary>
    public const int ApartSeconds = 60 * 60;

    /// <param name="catalog">Verified.</param>
    /// <param name="country">The person's; null: unknown.</param>
    /// <param name="language">The person's; null: unknown.</param>
    /// <param name="ready">Digests of creatives whose media lie on the device, verified.</param>
    /// <param name="seed">32 bytes: <see cref="AdDraw.SeedOf"/>.</param>
    /// <returns>Null when there is nothing to show.</returns>
    public static ChosenAd? Choose(
        Catalog catalog, AdLog log, string? country, string? language, IReadOnlySet<string> ready, DateTimeOffset now, ReadOnlySpan<byte> seed)
    {
        var creatives = Index(catalog);
        ChosenAd? best = null;
        AdDraw bestDraw = default;
        foreach (var line in catalog.Lines)
        {
            if (Judge(catalog, creatives, line, log, country, language, ready, now, out var creative) is not null) continue;
            var draw = AdDraw.Of(seed, line.Id);
            if (draw.Pass >= line.Pass) continue;
            if (best is not null && Compare(line, draw, best.Line, bestDraw) >= 0) continue;
            (best, bestDraw) = (new ChosenAd(line, creative!), draw);
        }
        return best;
    }

    /// <summary>Why a line could not be chosen now, whatever is drawn; null when it could.</summary>
    public static AdRefusal? FindRefusal(
        Catalog catalog, CatalogLine line, AdLog log, string? country, string? language, IReadOnlySet<string> ready, DateTimeOffset now) =>
        Judge(catalog, Index(catalog), line, log, country, language, ready, now, out _);

    /// <summary>
    /// In which order media are fetched ahead: as the choice would take them. It asks for nothing that is kept from others: not for passes, and
    /// not for caps, so that who watches the fetching does not learn what was shown.
    /// </summary>
    public static IReadOnlyList<ChosenAd> PrefetchOrder(Catalog catalog, AdLog log, string? country, string? language, DateTimeOffset now, ReadOnlySpan<byte> seed)
    {
        var creatives = Index(catalog);
        var found = new List<(ChosenAd Ad, AdDraw Draw)>();
        foreach (var line in catalog.Lines)
        {
            if (!line.Windows.Any(w => w.To > now.ToUnixTimeSeconds()) || FindPersonal(line, log, country, language) is not null) continue;
            if (InTurn(line, log).FirstOrDefault(digest => FindPersonal(catalog, creatives, digest, log) is null) is { } next)
                found.Add((new ChosenAd(line, creatives[next]), AdDraw.Of(seed, line.Id)));
        }
        found.Sort((one, other) => Compare(one.Ad.Line, one.Draw, other.Ad.Line, other.Draw));
        return [.. found.Select(f => f.Ad)];
    }

    private static Dictionary<string, CatalogCreative> Index(Catalog catalog) => catalog.Creatives.ToDictionary(c => c.Digest);

    private static int Compare(CatalogLine one, AdDraw draw, CatalogLine other, AdDraw otherDraw)
    {
        if (one.Tier != other.Tier) return one.Tier.CompareTo(other.Tier);
        var byKey = AdDraw.Compare(draw, one.Weight, otherDraw, other.Weight);
        return byKey != 0 ? byKey : string.CompareOrdinal(one.Id.ToString(), other.Id.ToString());
    }

    private static AdRefusal? Judge(
        Catalog catalog, Dictionary<string, CatalogCreative> creatives, CatalogLine line, AdLog log, string? country, string? language,
        IReadOnlySet<string> ready, DateTimeOffset now, out CatalogCreative? creative)
    {
        creative = null;
        if (!line.Windows.Any(w => w.Holds(now))) return AdRefusal.OutsideWindow;
        if (FindPersonal(line, log, country, language) is { } personal) return personal;
        Cap[] caps = [.. line.Caps, .. catalog.Policy.Caps ?? []];
        if (caps.Any(c => c.Level != CapLevel.Creative && IsReached(c, line, "", log, now))) return AdRefusal.Capped;
        if (IsNear(line, log, catalog.Policy.AdsApart, now)) return AdRefusal.TooNear;

        AdRefusal? first = null;
        foreach (var digest in InTurn(line, log))
        {
            var refusal =
                FindPersonal(catalog, creatives, digest, log) ??
                (caps.Any(c => c.Level == CapLevel.Creative && IsReached(c, line, digest, log, now)) ? AdRefusal.Capped : default(AdRefusal?)) ??
                (ready.Contains(digest) ? null : AdRefusal.NotReady);
            first ??= refusal;
            if (refusal is not null) continue;
            creative = creatives[digest];
            return null;
        }
        return first ?? AdRefusal.NotReady;
    }

    private static AdRefusal? FindPersonal(CatalogLine line, AdLog log, string? country, string? language)
    {
        if (log.HiddenLines.Contains(line.Id) || log.HiddenAdvertisers.Contains(line.Advertiser)) return AdRefusal.Hidden;
        return line.IsFor(country, language) ? null : AdRefusal.NotForThePlace;
    }

    private static AdRefusal? FindPersonal(Catalog catalog, Dictionary<string, CatalogCreative> creatives, string digest, AdLog log)
    {
        if (!creatives.TryGetValue(digest, out var creative)) return AdRefusal.NotReady;
        if (log.HiddenCreatives.Contains(digest)) return AdRefusal.Hidden;
        // An unknown age is a minor's.
        return creative.Facts.Disclosures.AdultsOnly && catalog.Cell.Age != AgeBand.Adult ? AdRefusal.AdultsOnly : null;
    }

    private static bool IsReached(Cap cap, CatalogLine line, string creative, AdLog log, DateTimeOffset now)
    {
        return log.CountShown(IsCounted, cap.Seconds, now) >= cap.Most;

        bool IsCounted(AdShowing shown) => cap.Level switch
        {
            CapLevel.Creative => shown.Creative == creative,
            CapLevel.Line => shown.Line == line.Id,
            CapLevel.Campaign => shown.Campaign == line.Campaign,
            CapLevel.Advertiser => shown.Advertiser == line.Advertiser,
            _ => true,
        };
    }

    private static bool IsNear(CatalogLine line, AdLog log, int adsApart, DateTimeOffset now) =>
        log.Shown.TakeLast(adsApart).Any(s =>
            AdLog.Age(s.At, now) < ApartSeconds * 1000L && (s.Advertiser == line.Advertiser || (line.Category is not null && s.Category == line.Category)));

    /// <summary>The line's creatives, beginning behind the one that it showed last.</summary>
    private static IEnumerable<string> InTurn(CatalogLine line, AdLog log)
    {
        var last = log.Shown.LastOrDefault(s => s.Line == line.Id)?.Creative;
        var start = line.Creatives.TakeWhile(c => c != last).Count() + 1;
        return line.Creatives.Count < start ? line.Creatives : line.Creatives.Skip(start).Concat(line.Creatives.Take(start));
    }
}

/// <param name="Creative">One of the line's.</param>
public sealed record ChosenAd(CatalogLine Line, CatalogCreative Creative);

/// <summary>Why a line is not shown on a device, in the order in which they are asked.</summary>
public enum AdRefusal
{
    OutsideWindow,

    /// <summary>By the person: this, or all of the advertiser.</summary>
    Hidden,

    /// <summary>For another country or language; a device asks itself because its cell may be merged with others.</summary>
    NotForThePlace,
    Capped,

    /// <summary>The same advertiser or category was shown just before.</summary>
    TooNear,
    AdultsOnly,

    /// <summary>No creative has its media on the device.</summary>
    NotReady,
}
