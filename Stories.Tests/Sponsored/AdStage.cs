using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Tests.Sponsored;

/// <summary>Catalogs, lines and creatives as a service makes them, with a place to bend each.</summary>
internal static class AdStage
{
    public static readonly DateTimeOffset Noon = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    public static readonly Cell Berlin = new("chat-dev", Placement.Tray, "DE", "de", AgeBand.Unknown);

    public static byte[] Seed(int number) => AdDraw.SeedOf(new byte[AdDraw.SeedBytes], number);

    public static Guid Id(int number) => new(number, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]);

    /// <param name="content">The bytes of its one file.</param>
    public static CatalogCreative Creative(string headline, byte[]? content = null, Disclosures? disclosures = null, CallToAction? action = null, SignedRecord? offer = null, byte[]? offerKey = null)
    {
        var facts = new CreativeFacts("Sponsored", "Brand", headline, "Beneficiary", "Payer", "A picture", "en", action ?? CallToAction.None, disclosures ?? new Disclosures());
        var file = new CreativeMedia("photo-1080", "image/webp", null, 1080, 1920, null, Digest.Of(content ?? System.Text.Encoding.UTF8.GetBytes(headline)));
        return new CatalogCreative(
            new CreativeContent(facts, [file]).Digest, facts, [new CatalogMedia(file, $"http://storage.test/{file.Blob.Sha256}")], "An advertiser", "Shown in Germany today.", offer, offerKey);
    }

    public static CatalogLine Line(
        int number, IReadOnlyList<CatalogCreative> creatives, Tier tier = Tier.Standard, int weight = 1, int pass = CatalogLine.MaxPass, IReadOnlyList<Cap>? caps = null,
        string? category = null, int? campaign = null, int? advertiser = null, IReadOnlyList<Window>? windows = null, IReadOnlyList<string>? countries = null, IReadOnlyList<string>? languages = null) =>
        new(Id(number), Id(campaign ?? number + 1_000), Id(advertiser ?? number + 2_000), tier, weight, pass, windows ?? [Window(Noon, TimeSpan.FromDays(400))], caps ?? [], category,
            countries ?? [], languages ?? [], [.. creatives.Select(c => c.Digest)]);

    public static Window Window(DateTimeOffset from, TimeSpan length) => new(from.ToUnixTimeSeconds(), (from + length).ToUnixTimeSeconds());

    public static Catalog CatalogOf(IReadOnlyList<CatalogLine> lines, IReadOnlyList<CatalogCreative> creatives, AdPolicy? policy = null, Cell? cell = null, DateTimeOffset? epoch = null) =>
        new("here", cell ?? Berlin, Catalog.EpochAt(epoch ?? Noon), policy ?? new AdPolicy(), lines, creatives);

    public static SignedRecord Sign(Catalog catalog, SigningKey key, string purpose = SignaturePurpose.Catalog) => Sign(StoriesJson.Write(catalog), key, purpose);

    public static SignedRecord Sign(byte[] bytes, SigningKey key, string purpose = SignaturePurpose.Catalog) => new(bytes, key.Sign(purpose, bytes), key.Id);

    public static AdLog Show(this AdLog log, Catalog catalog, CatalogLine line, CatalogCreative creative, DateTimeOffset now)
    {
        var ad = new ChosenAd(line, creative);
        return log.Show(ad, AdRecord.Begin(Guid.NewGuid(), catalog, ad, log.NextOrdinal(line.Id), now), now);
    }

    /// <summary>Shown once at each of these ages, the oldest first.</summary>
    public static AdLog LogOf(DateTimeOffset now, params TimeSpan[] ages) =>
        AdLog.Empty with { Shown = [.. ages.Select((age, i) => new AdShowing(Id(i), Id(i + 1_000), Id(i + 2_000), "creative", null, (now - age).ToUnixTimeMilliseconds()))] };

    public static HashSet<string> All(Catalog catalog) => [.. catalog.Creatives.Select(c => c.Digest)];
}
