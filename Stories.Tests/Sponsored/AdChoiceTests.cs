using Stories.Protocol.Sponsored;
using static Stories.Tests.Sponsored.AdStage;
using LineTier = Stories.Protocol.Sponsored.Tier;
using Tier = Stories.Tests.Fixtures.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>What the device chooses of all that its cell may see.</summary>
public sealed class AdChoiceTests
{
    private static readonly CatalogCreative One = Creative("one");
    private static readonly CatalogCreative Two = Creative("two");
    private static readonly CatalogCreative Three = Creative("three");
    private static readonly CatalogCreative Adult = Creative("adult", disclosures: new Disclosures(AdultsOnly: true));
    private static readonly CatalogCreative[] Creatives = [One, Two, Three, Adult];

    [Fact]
    public void A_line_is_shown_within_its_windows_only()
    {
        var line = Line(1, [One], windows: [Window(Noon, TimeSpan.FromMinutes(1)), Window(Noon.AddMinutes(2), TimeSpan.FromMinutes(1))]);
        Assert.Equal(AdRefusal.OutsideWindow, Refusal(line, now: Noon.AddSeconds(-0.001)));
        Assert.Null(Refusal(line));
        Assert.Null(Refusal(line, now: Noon.AddSeconds(59.999)));
        Assert.Equal(AdRefusal.OutsideWindow, Refusal(line, now: Noon.AddMinutes(1)));
        Assert.Null(Refusal(line, now: Noon.AddMinutes(2)));
        Assert.Equal(AdRefusal.OutsideWindow, Refusal(line with { Windows = [] }));
    }

    [Fact]
    public void What_the_person_has_hidden_stays_hidden()
    {
        var line = Line(1, [One]);
        Assert.Equal(AdRefusal.Hidden, Refusal(line, AdLog.Empty.HideAdvertiser(line.Advertiser)));
        Assert.Equal(AdRefusal.Hidden, Refusal(line, AdLog.Empty.HideAd(line.Id, "another")));
        // The same picture in somebody's other line.
        Assert.Equal(AdRefusal.Hidden, Refusal(line, AdLog.Empty.HideAd(Id(9), One.Digest)));
        Assert.Null(Refusal(Line(1, [One, Two]), AdLog.Empty.HideAd(Id(9), One.Digest)));
        Assert.Null(Refusal(line, AdLog.Empty.HideAd(line.Id, One.Digest).HideAdvertiser(line.Advertiser).ShowHidden()));
    }

    [Fact]
    public void A_merged_cell_s_lines_are_for_who_they_were_booked_for()
    {
        var line = Line(1, [One], countries: ["DE", "AT"], languages: ["de"]);
        Assert.Null(Refusal(line, country: "AT"));
        Assert.Equal(AdRefusal.NotForThePlace, Refusal(line, country: "FR"));
        Assert.Equal(AdRefusal.NotForThePlace, Refusal(line, country: null));
        Assert.Equal(AdRefusal.NotForThePlace, Refusal(line, language: "en"));
        Assert.Equal(AdRefusal.NotForThePlace, Refusal(line, language: null));
        Assert.Null(Refusal(Line(1, [One]), country: null, language: null));
    }

    [Fact]
    public void What_is_for_adults_is_never_shown_to_an_unknown_age()
    {
        var line = Line(1, [Adult]);
        Assert.Equal(AdRefusal.AdultsOnly, Refusal(line));
        Assert.Null(Refusal(line, cell: Berlin with { Age = AgeBand.Adult }));
        Assert.Equal(One, Choose(Line(1, [Adult, One]))!.Creative);
    }

    [Fact]
    public void The_same_advertiser_or_category_does_not_come_again_before_another()
    {
        var catalog = CatalogOf([], Creatives);
        var shown = Line(1, [One], category: "cars", advertiser: 5);
        var log = AdLog.Empty.Show(catalog, shown, One, Noon);
        var competitor = Line(2, [Two], category: "cars", advertiser: 6);
        var sibling = Line(3, [Two], category: "shoes", advertiser: 5);
        var other = Line(4, [Two], category: "shoes", advertiser: 7);
        var soon = Noon.AddMinutes(59);
        Assert.Equal(AdRefusal.TooNear, Refusal(competitor, log, soon));
        Assert.Equal(AdRefusal.TooNear, Refusal(sibling, log, soon));
        Assert.Null(Refusal(other, log, soon));
        Assert.Null(Refusal(Line(5, [Two], category: null), AdLog.Empty.Show(catalog, Line(6, [One], category: null), One, Noon), soon));
        // One other between them is enough, or an hour.
        Assert.Null(Refusal(competitor, log.Show(catalog, other, Two, Noon.AddMinutes(1)), soon));
        Assert.Null(Refusal(competitor, log, Noon.AddHours(1)));
        var apart = new AdPolicy(AdsApart: 2);
        Assert.Equal(AdRefusal.TooNear, Refusal(competitor, log.Show(catalog, other, Two, Noon.AddMinutes(1)), soon, policy: apart));
        Assert.Null(Refusal(competitor, log, soon, policy: new AdPolicy(AdsApart: 0)));
    }

    [Fact]
    public void A_creative_without_its_media_is_passed_over()
    {
        var catalog = CatalogOf([Line(1, [One, Two])], Creatives);
        Assert.Equal(Two, AdChoice.Choose(catalog, AdLog.Empty, "DE", "de", new HashSet<string> { Two.Digest }, Noon, Seed(1))!.Creative);
        Assert.Null(AdChoice.Choose(catalog, AdLog.Empty, "DE", "de", new HashSet<string>(), Noon, Seed(1)));
        Assert.Equal(AdRefusal.NotReady, AdChoice.FindRefusal(catalog, catalog.Lines[0], AdLog.Empty, "DE", "de", new HashSet<string>(), Noon));
    }

    [Fact]
    public void Creatives_take_turns()
    {
        var catalog = CatalogOf([Line(1, [One, Two, Three])], Creatives, new AdPolicy(AdsApart: 0));
        var log = AdLog.Empty;
        var shown = new List<CatalogCreative>();
        for (var i = 0; i < 5; i++)
        {
            var ad = Choose(catalog, log, i);
            shown.Add(ad!.Creative);
            log = log.Show(catalog, ad.Line, ad.Creative, Noon.AddMinutes(i));
        }
        Assert.Equal([One, Two, Three, One, Two], shown);
    }

    [Fact]
    public void A_higher_tier_comes_first_whatever_the_weights()
    {
        var lines = new[] { Line(1, [One], LineTier.House, 1000), Line(2, [One], LineTier.Guaranteed, 1), Line(3, [One], LineTier.Standard, 1000) };
        for (var seed = 0; seed < 100; seed++) Assert.Equal(Id(2), Choose(CatalogOf(lines, Creatives), AdLog.Empty, seed)!.Line.Id);
        // When it takes part.
        lines[1] = lines[1] with { Pass = 0 };
        for (var seed = 0; seed < 100; seed++) Assert.Equal(Id(3), Choose(CatalogOf(lines, Creatives), AdLog.Empty, seed)!.Line.Id);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(63)]
    [InlineData(64)]
    public void A_line_takes_part_in_as_many_choices_as_its_pass_says(int pass)
    {
        var catalog = CatalogOf([Line(1, [One], pass: pass)], Creatives);
        var draws = Tier.Rounds(20_000, 500_000);
        var passed = Enumerable.Range(0, draws).Count(seed => Choose(catalog, AdLog.Empty, seed) is not null);
        var p = pass / 64d;
        // Five standard deviations: the seeds are fixed, so that this holds or not, and for ever.
        Assert.InRange(passed, (draws * p) - (5 * Math.Sqrt(draws * p * (1 - p))), (draws * p) + (5 * Math.Sqrt(draws * p * (1 - p))));
    }

    [Fact]
    public void Weights_are_shares()
    {
        int[] weights = [1, 2, 7, 90, 900];
        var catalog = CatalogOf([.. weights.Select((w, i) => Line(i, [One], weight: w))], Creatives);
        var draws = Tier.Rounds(20_000, 500_000);
        var counts = Enumerable.Range(0, draws).Select(seed => Choose(catalog, AdLog.Empty, seed)!.Line.Weight).CountBy(w => w).ToDictionary();
        var chi = weights.Sum(w =>
        {
            var expected = draws * w / 1000d;
            return Math.Pow(counts.GetValueOrDefault(w) - expected, 2) / expected;
        });
        // 0.001 of the law with four degrees of freedom.
        Assert.True(chi < 18.47, $"chi² {chi:0.0}: {string.Join(' ', counts)}");
    }

    [Fact]
    public void Passing_and_winning_are_drawn_apart()
    {
        // If one number did both, a line that just passes would nearly always win or nearly never.
        var catalog = CatalogOf([Line(1, [One], pass: 16), Line(2, [One])], Creatives);
        var draws = Tier.Rounds(20_000, 500_000);
        var first = Enumerable.Range(0, draws).Count(seed => Choose(catalog, AdLog.Empty, seed)!.Line.Id == Id(1));
        Assert.InRange(first / (double)draws, 0.125 - 0.012, 0.125 + 0.012);
    }

    [Fact]
    public void The_logarithm_in_whole_numbers_is_the_logarithm()
    {
        for (var i = 0; i < 10_000; i++)
        {
            var seed = Seed(i);
            var hash = System.Security.Cryptography.SHA256.HashData([.. seed, .. Id(i).ToByteArray(bigEndian: true)]);
            var u = (System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(hash) + 1d) / (1L << 32);
            Assert.Equal(-Math.Log2(u), AdDraw.Of(seed, Id(i)).Log / (double)(1 << 24), 1.5e-7);
        }
    }

    [Fact]
    public void The_order_of_lines_in_a_catalog_changes_nothing()
    {
        var random = new Random(5);
        for (var seed = 0; seed < 500; seed++)
        {
            var lines = Enumerable.Range(0, 20).Select(i => Line(i, [One], (LineTier)random.Next(4), random.Next(1, 1000), random.Next(65))).ToArray();
            var one = Choose(CatalogOf(lines, Creatives), AdLog.Empty, seed)?.Line.Id;
            random.Shuffle(lines);
            Assert.Equal(one, Choose(CatalogOf(lines, Creatives), AdLog.Empty, seed)?.Line.Id);
        }
    }

    [Fact]
    public void Media_are_fetched_in_the_order_in_which_they_would_be_chosen()
    {
        var random = new Random(6);
        for (var seed = 0; seed < 200; seed++)
        {
            var lines = Enumerable.Range(0, 12).Select(i => Line(i, [One], (LineTier)random.Next(4), random.Next(1, 1000))).ToList();
            var order = AdChoice.PrefetchOrder(CatalogOf(lines, Creatives), AdLog.Empty, "DE", "de", Noon, Seed(seed)).Select(a => a.Line.Id).ToArray();
            foreach (var expected in order)
            {
                Assert.Equal(expected, Choose(CatalogOf(lines, Creatives), AdLog.Empty, seed)!.Line.Id);
                lines.RemoveAll(l => l.Id == expected);
            }
            Assert.Empty(lines);
        }
    }

    [Fact]
    public void What_is_fetched_ahead_tells_neither_passes_nor_caps_and_leaves_out_what_cannot_be_shown()
    {
        var capped = Line(1, [One], caps: [new Cap(CapLevel.Line, 1, 1000)], pass: 0);
        var over = Line(2, [One], windows: [Window(Noon.AddHours(-2), TimeSpan.FromHours(1))]);
        var later = Line(3, [One], windows: [Window(Noon.AddHours(2), TimeSpan.FromHours(1))]);
        var abroad = Line(4, [One], countries: ["FR"]);
        var forAdults = Line(5, [Adult]);
        var hidden = Line(6, [One], advertiser: 66);
        var catalog = CatalogOf([capped, over, later, abroad, forAdults, hidden], Creatives);
        var log = AdLog.Empty.Show(catalog, capped, One, Noon).HideAdvertiser(Id(66));
        Assert.Equal([Id(1), Id(3)], AdChoice.PrefetchOrder(catalog, log, "DE", "de", Noon, Seed(1)).Select(a => a.Line.Id).Order());
    }

    private static AdRefusal? Refusal(
        CatalogLine line, AdLog? log = null, DateTimeOffset? now = null, string? country = "DE", string? language = "de", Cell? cell = null, AdPolicy? policy = null)
    {
        var catalog = CatalogOf([line], Creatives, policy, cell);
        return AdChoice.FindRefusal(catalog, line, log ?? AdLog.Empty, country, language, All(catalog), now ?? Noon);
    }

    private static ChosenAd? Choose(CatalogLine line) => Choose(CatalogOf([line], Creatives), AdLog.Empty, 1);

    private static ChosenAd? Choose(Catalog catalog, AdLog log, int seed) => AdChoice.Choose(catalog, log, "DE", "de", All(catalog), Noon, Seed(seed));
}
