using Stories.Protocol;
using Stories.Protocol.Sponsored;
using static Stories.Tests.Sponsored.AdStage;

namespace Stories.Tests.Sponsored;

/// <summary>What can be said of a record alone.</summary>
public sealed class AdRecordTests
{
    private static readonly TimeSpan Video = TimeSpan.FromSeconds(10);
    private static readonly AdRecord True = new(
        Guid.NewGuid(), Id(1), "digest", "chat-dev/tray/DE/de/unknown", Noon.ToUnixTimeSeconds(), Noon.ToUnixTimeSeconds(), 1, Quartile.Half, DwellBucket.ThreeToSix, true, AdAction.None);

    [Fact]
    public void A_true_one_has_no_fault() => Assert.Null(Fault(True));

    [Fact]
    public void An_hour_or_an_epoch_that_is_none_or_in_the_future_is_impossible()
    {
        Assert.Equal(InvalidReason.ImpossibleTime, Fault(True with { Hour = True.Hour + 1 }));
        Assert.Equal(InvalidReason.ImpossibleTime, Fault(True with { Epoch = True.Epoch + 60 }));
        Assert.Null(Fault(True with { Hour = True.Hour + 3600, Epoch = True.Epoch + 3600 }));
        Assert.Equal(InvalidReason.ImpossibleTime, Fault(True with { Hour = True.Hour + 7200 }));
        Assert.Equal(InvalidReason.ImpossibleTime, Fault(True with { Epoch = True.Epoch + 3900 }));
    }

    [Fact]
    public void An_hour_before_its_catalog_or_longer_after_it_than_one_is_kept_is_stale()
    {
        Assert.Null(Fault(True with { Hour = True.Hour - 3600 }));
        Assert.Equal(InvalidReason.StaleEpoch, Fault(True with { Hour = True.Hour - 7200 }));
        Assert.Null(Fault(True with { Epoch = True.Epoch - (49 * 3600) }));
        Assert.Equal(InvalidReason.StaleEpoch, Fault(True with { Epoch = True.Epoch - (49 * 3600) - 300 }));
    }

    [Theory]
    [InlineData(Quartile.Start, DwellBucket.UnderOneSecond, true)]
    [InlineData(Quartile.First, DwellBucket.OneToTwo, false)]
    [InlineData(Quartile.First, DwellBucket.TwoToThree, true)]
    [InlineData(Quartile.Half, DwellBucket.TwoToThree, false)]
    [InlineData(Quartile.Half, DwellBucket.ThreeToSix, true)]
    [InlineData(Quartile.Third, DwellBucket.ThreeToSix, false)]
    [InlineData(Quartile.Third, DwellBucket.SixToFifteen, true)]
    [InlineData(Quartile.Complete, DwellBucket.ThreeToSix, false)]
    [InlineData(Quartile.Complete, DwellBucket.SixToFifteen, true)]
    [InlineData(Quartile.Complete, DwellBucket.FifteenAndMore, true)]
    public void Nobody_sees_more_of_ten_seconds_than_there_was_time_for(Quartile quartile, DwellBucket dwell, bool isPossible) =>
        Assert.Equal(isPossible ? null : InvalidReason.ImpossibleDwell, Fault(True with { Quartile = quartile, Dwell = dwell, Skipped = false }));

    [Fact]
    public void A_picture_has_no_length() => Assert.Null((True with { Quartile = Quartile.Complete, Dwell = DwellBucket.UnderOneSecond, Skipped = false }).FindFault(null, CallToActionKind.None, Noon));

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(int.MinValue)]
    public void An_ordinal_is_1_to_6(int ordinal) => Assert.Equal(InvalidReason.ImpossibleOrdinal, Fault(True with { Ordinal = ordinal }));

    [Fact]
    public void What_was_seen_to_its_end_was_not_skipped() =>
        Assert.Equal(InvalidReason.ImpossibleSkip, Fault(True with { Quartile = Quartile.Complete, Dwell = DwellBucket.SixToFifteen }));

    [Fact]
    public void Only_what_was_offered_can_be_taken_and_everything_can_be_hidden_and_reported()
    {
        foreach (var offered in Enum.GetValues<CallToActionKind>())
            foreach (var action in Enum.GetValues<AdAction>())
                Assert.Equal(
                    action.ToString() == offered.ToString() || action is AdAction.None or AdAction.HideAd or AdAction.HideAdvertiser or AdAction.Report ? null : InvalidReason.ImpossibleAction,
                    (True with { Action = action }).FindFault(Video, offered, Noon));
    }

    [Fact]
    public void It_is_late_48_hours_after_its_hour()
    {
        Assert.False(True.IsLate(Noon.AddHours(49).AddMilliseconds(-1)));
        Assert.True(True.IsLate(Noon.AddHours(49)));
        Assert.True((True with { Hour = long.MinValue }).IsLate(Noon));
        Assert.False((True with { Hour = long.MaxValue }).IsLate(Noon));
    }

    [Theory]
    [InlineData(0, DwellBucket.UnderOneSecond)]
    [InlineData(0.999, DwellBucket.UnderOneSecond)]
    [InlineData(1, DwellBucket.OneToTwo)]
    [InlineData(2, DwellBucket.TwoToThree)]
    [InlineData(3, DwellBucket.ThreeToSix)]
    [InlineData(6, DwellBucket.SixToFifteen)]
    [InlineData(15, DwellBucket.FifteenAndMore)]
    [InlineData(86400, DwellBucket.FifteenAndMore)]
    public void Dwell_is_told_in_buckets(double seconds, DwellBucket expected) => Assert.Equal(expected, AdRecord.DwellOf(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void It_travels_without_person_device_or_time()
    {
        var text = System.Text.Encoding.UTF8.GetString(StoriesJson.Write(True));
        Assert.Equal(
            $$"""{"id":"{{True.Id}}","line":"00000001-0000-0000-0000-000000000000","creative":"digest","cell":"chat-dev/tray/DE/de/unknown","epoch":1800000000,"hour":1800000000,"ordinal":1,"quartile":"half","dwell":"threeToSix","skipped":true,"action":"none"}""", text);
    }

    private static InvalidReason? Fault(AdRecord record) => record.FindFault(Video, CallToActionKind.None, Noon);
}
