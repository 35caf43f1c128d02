using Stories.Protocol.Sponsored;
using static Stories.Tests.Sponsored.AdStage;
using Tier = Stories.Tests.Fixtures.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>How often one device shows the same: caps at five levels, all of which must hold.</summary>
public sealed class AdCapTests
{
    private static readonly CatalogCreative[] Creatives = [Creative("one"), Creative("two"), Creative("three")];

    // Two lines of a campaign, a third of another campaign of the same advertiser, and one of somebody else with a creative of the first.
    private static readonly CatalogLine[] Lines =
    [
        Line(1, [Creatives[0], Creatives[1]], campaign: 11, advertiser: 21),
        Line(2, [Creatives[1]], campaign: 11, advertiser: 21),
        Line(3, [Creatives[2]], campaign: 12, advertiser: 21),
        Line(4, [Creatives[0]], campaign: 13, advertiser: 22),
    ];

    [Theory]
    [InlineData(CapLevel.Creative, "1 4")]
    [InlineData(CapLevel.Line, "1")]
    [InlineData(CapLevel.Campaign, "1 2")]
    [InlineData(CapLevel.Advertiser, "1 2 3")]
    [InlineData(CapLevel.All, "1 2 3 4")]
    public void Each_level_counts_what_it_says(CapLevel level, string expected)
    {
        // With the line's own other creative hidden, line 1 has the shown one only.
        var catalog = CatalogOf(Lines, Creatives, new AdPolicy(AdsApart: 0, Caps: [new Cap(level, 1, 60)]));
        var log = AdLog.Empty.Show(catalog, Lines[0], Creatives[0], Noon);
        var first = Lines[0] with { Creatives = [Creatives[0].Digest] };
        var capped = Lines.Select(l => l.Id == first.Id ? first : l).Where(l => Refusal(catalog, l, log, Noon) == AdRefusal.Capped).Select(l => Array.FindIndex(Lines, o => o.Id == l.Id) + 1);
        Assert.Equal(expected, string.Join(' ', capped));
    }

    [Fact]
    public void A_creative_at_its_cap_leaves_the_turn_to_the_next()
    {
        var line = Lines[0] with { Caps = [new Cap(CapLevel.Creative, 1, 60)] };
        var catalog = CatalogOf([line], Creatives, new AdPolicy(AdsApart: 0));
        var log = AdLog.Empty.Show(catalog, line, Creatives[0], Noon).Show(catalog, Lines[1], Creatives[1], Noon.AddSeconds(30));
        Assert.Equal(AdRefusal.Capped, Refusal(catalog, line, log, Noon.AddSeconds(59)));
        Assert.Equal(Creatives[0], AdChoice.Choose(catalog, log, null, null, All(catalog), Noon.AddSeconds(60), Seed(1))!.Creative);
    }

    [Fact]
    public void A_window_slides()
    {
        var line = Lines[0] with { Caps = [new Cap(CapLevel.Line, 2, 100)] };
        var catalog = CatalogOf([line], Creatives, new AdPolicy(AdsApart: 0));
        var log = AdLog.Empty.Show(catalog, line, Creatives[0], Noon).Show(catalog, line, Creatives[1], Noon.AddSeconds(90));
        Assert.Equal(AdRefusal.Capped, Refusal(catalog, line, log, Noon.AddSeconds(99.999)));
        Assert.Null(Refusal(catalog, line, log, Noon.AddSeconds(100)));
        log = log.Show(catalog, line, Creatives[0], Noon.AddSeconds(100));
        Assert.Equal(AdRefusal.Capped, Refusal(catalog, line, log, Noon.AddSeconds(189.999)));
        Assert.Null(Refusal(catalog, line, log, Noon.AddSeconds(190)));
    }

    [Fact]
    public void A_cap_of_none_is_never_shown() =>
        Assert.Equal(AdRefusal.Capped, Refusal(CatalogOf([], Creatives), Lines[0] with { Caps = [new Cap(CapLevel.Line, 0, 1)] }, AdLog.Empty, Noon));

    [Fact]
    public void The_longest_window_is_as_long_as_the_log_is_kept()
    {
        var line = Lines[0] with { Caps = [new Cap(CapLevel.Line, 1, Cap.MaxSeconds)] };
        var catalog = CatalogOf([line], Creatives);
        var log = AdLog.Empty.Show(catalog, line, Creatives[0], Noon);
        var end = Noon.AddSeconds(Cap.MaxSeconds);
        Assert.Equal(AdRefusal.Capped, Refusal(catalog, line, log.Prune(end.AddMilliseconds(-1)), end.AddMilliseconds(-1)));
        Assert.Null(Refusal(catalog, line, log.Prune(end), end));
    }

    [Fact]
    public void They_agree_with_an_oracle_and_no_window_ever_holds_more_than_it_may()
    {
        var steps = Tier.Rounds(100_000, 1_000_000);
        int allowed = 0, capped = 0;
        for (var step = 0; step < steps;)
        {
            var random = new Random(step);
            var lines = Lines.Select(l => l with { Caps = RandomCaps(random, [CapLevel.Creative, CapLevel.Line, CapLevel.Campaign, CapLevel.Advertiser]) }).ToArray();
            var catalog = CatalogOf(lines, Creatives, new AdPolicy(AdsApart: 0, Caps: RandomCaps(random, Enum.GetValues<CapLevel>())));
            var ready = All(catalog);
            var log = AdLog.Empty;
            // The clock as it truly went; the device's own is what the oracle and the code see.
            var history = new List<(CatalogLine Line, string Creative, long At)>();
            var now = Noon;
            for (var i = 0; i < 200; i++, step++)
            {
                now += TimeSpan.FromMilliseconds(random.Next(4) == 0 ? random.Next(30_000) : random.Next(900));
                log = log.Prune(now);
                var line = lines[random.Next(lines.Length)];
                var creative = Array.Find(line.Creatives.ToArray(), c => !AllCaps(catalog, line).Any(cap => IsReached(cap, line, c, history, now.ToUnixTimeMilliseconds())));
                var refusal = AdChoice.FindRefusal(catalog, line, log, "DE", "de", ready, now);
                Assert.True((refusal is null) == (creative is not null) && refusal is null or AdRefusal.Capped, $"step {step}: {refusal}, oracle: {creative}");
                if (refusal is not null)
                {
                    capped++;
                    continue;
                }
                allowed++;
                var ad = AdChoice.Choose(catalog with { Lines = [line] }, log, "DE", "de", ready, now, Seed(step))!;
                log = log.Show(catalog, ad.Line, ad.Creative, now) with { Pending = [] };
                history.Add((line, ad.Creative.Digest, now.ToUnixTimeMilliseconds()));
            }
            foreach (var line in lines)
                foreach (var cap in AllCaps(catalog, line))
                    AssertHeld(cap, line, history);
        }
        Assert.True(allowed > steps / 20 && capped > steps / 20, $"{allowed} allowed, {capped} capped");
    }

    [Fact]
    public void A_clock_set_back_never_frees_a_cap()
    {
        var random = new Random(3);
        for (var round = 0; round < Tier.Rounds(5_000, 100_000); round++)
        {
            var line = Lines[0] with { Caps = [new Cap(CapLevel.Line, random.Next(1, 4), random.Next(1, 1000))] };
            var catalog = CatalogOf([line with { Windows = [new Window(0, long.MaxValue)] }], Creatives, new AdPolicy(AdsApart: 0));
            var log = AdLog.Empty;
            for (var i = 0; i < 5; i++) log = log.Show(catalog, line, Creatives[i % 2], Noon.AddSeconds(random.Next(1500)));
            var now = Noon.AddSeconds(1500);
            if (Refusal(catalog, catalog.Lines[0], log, now) is null) continue;
            // However far, and whatever is pruned there: back to the dead clock's year, or before the showings.
            var back = now - TimeSpan.FromSeconds(random.Next(2) == 0 ? random.Next(1, 3000) : random.Next(1, 500_000_000));
            Assert.Equal(AdRefusal.Capped, Refusal(catalog, catalog.Lines[0], log.Prune(back), back));
            // And with the clock right again, it is as if nothing had been.
            Assert.Equal(AdRefusal.Capped, Refusal(catalog, catalog.Lines[0], log.Prune(back).Prune(now), now));
        }
    }

    private static AdRefusal? Refusal(Catalog catalog, CatalogLine line, AdLog log, DateTimeOffset now) => AdChoice.FindRefusal(catalog, line, log, "DE", "de", All(catalog), now);

    private static Cap[] RandomCaps(Random random, CapLevel[] levels) =>
        [.. Enumerable.Range(0, random.Next(3)).Select(_ => new Cap(levels[random.Next(levels.Length)], random.Next(1, 6), random.Next(1, 60)))];

    private static IEnumerable<Cap> AllCaps(Catalog catalog, CatalogLine line) => line.Caps.Concat(catalog.Policy.Caps!);

    private static bool IsReached(Cap cap, CatalogLine line, string creative, List<(CatalogLine Line, string Creative, long At)> history, long now)
    {
        var count = 0;
        foreach (var shown in history)
            if (shown.At > now - cap.Seconds * 1000L && IsSame(cap.Level, line, creative, shown)) count++;
        return count >= cap.Most;
    }

    private static bool IsSame(CapLevel level, CatalogLine line, string creative, (CatalogLine Line, string Creative, long At) shown)
    {
        if (level == CapLevel.All) return true;
        if (level == CapLevel.Advertiser) return shown.Line.Advertiser == line.Advertiser;
        if (level == CapLevel.Campaign) return shown.Line.Campaign == line.Campaign;
        if (level == CapLevel.Line) return shown.Line.Id == line.Id;
        return shown.Creative == creative;
    }

    /// <summary>From each showing of the line itself, looking back: its own cap counts it and what came before.</summary>
    private static void AssertHeld(Cap cap, CatalogLine line, List<(CatalogLine Line, string Creative, long At)> history)
    {
        foreach (var own in history.Where(h => h.Line.Id == line.Id))
        {
            var before = history.TakeWhile(h => h != own).Count(h => h.At > own.At - cap.Seconds * 1000L && IsSame(cap.Level, line, own.Creative, h));
            Assert.True(before < cap.Most, $"{cap} held {before} when {line.Id} was shown");
        }
    }
}
