using Stories.Protocol.Sponsored;
using static Stories.Tests.Sponsored.AdStage;

namespace Stories.Tests.Sponsored;

/// <summary>What the device remembers, and how it notices that it no longer does.</summary>
public sealed class AdLogTests
{
    private static readonly CatalogCreative One = Creative("one");
    private static readonly CatalogLine Cars = Line(1, [One], category: "cars");
    private static readonly Catalog Here = CatalogOf([Cars], [One]);
    private static readonly AdLog Full = AdLog.Empty.Show(Here, Cars, One, Noon).Show(Here, Line(2, [One]), One, Noon.AddSeconds(1)).HideAd(Id(8), "digest").HideAdvertiser(Id(9)).SeeLess();

    [Fact]
    public void What_is_written_is_read_again()
    {
        var file = Full.Write();
        var read = AdLog.Read(file, Noon);
        Assert.False(read.IsQuiet(Noon));
        Assert.Equal(file, read.Write());
        Assert.Equal(Full.Shown, read.Shown);
    }

    [Fact]
    public void Any_bent_byte_and_any_missing_end_is_noticed_and_means_30_days_of_nothing()
    {
        var file = Full.Write();
        for (var i = 0; i < file.Length; i++)
        {
            var bent = file.ToArray();
            bent[i] ^= 1;
            Assert.True(AdLog.Read(bent, Noon).IsQuiet(Noon), $"byte {i}");
            Assert.True(AdLog.Read(file.AsSpan(0, i), Noon).IsQuiet(Noon), $"length {i}");
        }
        var quiet = AdLog.Read([], Noon);
        Assert.Empty(quiet.Shown);
        // It is remembered, and ends.
        quiet = AdLog.Read(quiet.Prune(Noon.AddDays(1)).Write(), Noon.AddDays(1));
        Assert.True(quiet.IsQuiet(Noon.AddDays(29.99)));
        Assert.Equal(AdLog.Empty.Write(), quiet.Prune(Noon.AddDays(30)).Write());
    }

    [Fact]
    public void A_right_sum_over_what_no_device_writes_is_damage_too()
    {
        foreach (var bent in (AdLog[])[
            Full with { Thinning = 3 }, Full with { Thinning = 0 }, Full with { DamagedAt = -1 }, Full with { Shown = null! }, Full with { Pending = [null!] },
            Full with { Ordinals = [new AdOrdinal(Id(1), 7, 0)] }, Full with { Ordinals = [new AdOrdinal(Id(1), 1, 0), new AdOrdinal(Id(1), 2, 0)] },
            Full with { Shown = [Full.Shown[0] with { At = long.MaxValue }] }, Full with { Shown = [Full.Shown[0] with { Creative = null! }] }, Full with { HiddenCreatives = [null!] }])
            Assert.True(AdLog.Read(bent.Write(), Noon).IsQuiet(Noon), System.Text.Encoding.UTF8.GetString(bent.Write()));
    }

    [Fact]
    public void Showings_are_kept_30_days_ordinals_180_and_what_was_hidden_for_good()
    {
        var month = Noon.AddSeconds(1).AddDays(30);
        Assert.Single(Full.Prune(month.AddMilliseconds(-1)).Shown);
        var after = Full.Prune(month);
        Assert.Empty(after.Shown);
        Assert.Equal(2, after.Ordinals.Count);
        Assert.Single(Full.Prune(Noon.AddDays(180)).Ordinals);
        var years = Full.Prune(Noon.AddDays(4000));
        Assert.Empty(years.Ordinals);
        Assert.Equal((1, 1, 1, 2), (years.HiddenLines.Count, years.HiddenCreatives.Count, years.HiddenAdvertisers.Count, years.Thinning));
    }

    [Fact]
    public void Ordinals_count_each_line_up_to_six()
    {
        var log = AdLog.Empty;
        var ordinals = new List<int>();
        for (var i = 0; i < 8; i++)
        {
            ordinals.Add(log.NextOrdinal(Cars.Id));
            log = log.Show(Here, Cars, One, Noon.AddDays(i * 20)).Prune(Noon.AddDays(i * 20));
        }
        Assert.Equal([1, 2, 3, 4, 5, 6, 6, 6], ordinals);
        Assert.Equal(ordinals, ordinals.Order());
        Assert.Equal(1, log.NextOrdinal(Id(77)));
        Assert.Equal(1, log.Prune(Noon.AddDays((7 * 20) + 180)).NextOrdinal(Cars.Id));
    }

    [Fact]
    public void A_record_goes_out_when_it_has_ended_and_until_it_was_accepted()
    {
        var log = AdLog.Empty.Show(Here, Cars, One, Noon);
        var begun = log.Pending[0].Record;
        Assert.Equal((Id(1), One.Digest, "chat-dev/tray/DE/de/unknown", Noon.ToUnixTimeSeconds(), 1), (begun.Line, begun.Creative, begun.Cell, begun.Hour, begun.Ordinal));
        Assert.Empty(log.Due(Noon));
        var ended = log.End(begun with { Quartile = Quartile.Half });
        Assert.Equal(Quartile.Half, Assert.Single(ended.Due(Noon)).Quartile);
        Assert.Single(ended.Accept(new HashSet<Guid> { Guid.NewGuid() }).Pending);
        Assert.Empty(ended.Accept(new HashSet<Guid> { begun.Id }).Pending);
        Assert.Single(ended.Accept(new HashSet<Guid> { begun.Id }).Shown);
    }

    [Fact]
    public void One_that_a_crash_left_open_goes_out_as_it_was_begun()
    {
        var log = AdLog.Empty.Show(Here, Cars, One, Noon);
        Assert.Empty(log.Due(Noon.AddHours(2).AddSeconds(-1)));
        var record = Assert.Single(log.Due(Noon.AddHours(2)));
        Assert.Equal((Quartile.Start, DwellBucket.UnderOneSecond, AdAction.None), (record.Quartile, record.Dwell, record.Action));
        Assert.False(record.IsViewable(isVideo: false));
    }

    [Fact]
    public void One_that_comes_too_late_is_dropped()
    {
        Assert.Equal(2, Full.Prune(Noon.AddHours(49).AddSeconds(-1)).Pending.Count);
        Assert.Empty(Full.Prune(Noon.AddHours(49)).Pending);
    }

    [Fact]
    public void See_less_halves_again_up_to_a_sixteenth()
    {
        var log = AdLog.Empty;
        Assert.Equal([2, 4, 8, 16, 16], Enumerable.Range(0, 5).Select(_ => (log = log.SeeLess()).Thinning));
        Assert.Equal(1, log.SeeUsual().Thinning);
    }

    [Fact]
    public void A_clock_from_another_century_does_not_end_it_for_good()
    {
        var future = Noon.AddYears(70);
        var log = AdLog.Empty.Show(Here, Cars, One, future).Prune(future) with { DamagedAt = future.ToUnixTimeMilliseconds() };
        log = log.Prune(Noon);
        Assert.Single(log.Shown);
        Assert.Equal(Noon.ToUnixTimeMilliseconds(), log.AheadSince);
        log = log.Prune(Noon.AddDays(30).AddMilliseconds(-1));
        Assert.Single(log.Shown);
        log = log.Prune(Noon.AddDays(30));
        Assert.Empty(log.Shown);
        Assert.Empty(log.Pending);
        Assert.False(log.IsQuiet(Noon.AddDays(30)));
        Assert.Null(log.AheadSince);
        // The count of showings lives on, from then.
        Assert.Equal(2, log.NextOrdinal(Cars.Id));
        Assert.Empty(log.Prune(Noon.AddDays(30 + 180)).Ordinals);
    }

    [Fact]
    public void A_dead_clock_for_a_while_changes_nothing()
    {
        var log = Full.Prune(DateTimeOffset.UnixEpoch).Prune(DateTimeOffset.UnixEpoch.AddDays(29));
        Assert.Equal(Full.Write(), log.Prune(Noon.AddSeconds(2)).Write());
    }
}
