namespace Stories.Protocol.Sponsored;

/// <summary>The furthest that was seen.</summary>
public enum Quartile
{
    /// <summary>The first frame was on the screen.</summary>
    Start,
    First,
    Half,
    Third,
    Complete,
}

/// <summary>How long it was on the screen.</summary>
public enum DwellBucket
{
    UnderOneSecond,
    OneToTwo,
    TwoToThree,
    ThreeToSix,
    SixToFifteen,
    FifteenAndMore,
}

/// <summary>What the person did about it.</summary>
public enum AdAction
{
    None,
    MessageBusiness,
    OpenProduct,
    Pay,
    OpenUrl,
    HideAd,
    HideAdvertiser,
    Report,
}

/// <summary>
/// That a sponsored status was shown, by a device that nobody can tell from another: a random id, an hour instead of a time. It is
/// submitted with the caller's token, for the quota, and kept without the caller.
/// </summary>
/// <param name="Id">128 random bits; repeating it changes nothing.</param>
/// <param name="Creative">Digest.</param>
/// <param name="Cell">The catalog's, which may be merged; its name.</param>
/// <param name="Epoch">Of the catalog from which it was chosen.</param>
/// <param name="Hour">Unix seconds of the hour in which it was shown.</param>
/// <param name="Ordinal">The how-manieth showing of the line on this device: 1 to 5, and 6 for all after that.</param>
/// <param name="Dwell">In a bucket, never a time.</param>
/// <param name="Skipped">Ended by the person before its end.</param>
public sealed record AdRecord(
    Guid Id, Guid Line, string Creative, string Cell, long Epoch, long Hour, int Ordinal, Quartile Quartile, DwellBucket Dwell, bool Skipped, AdAction Action)
{
    public const int MaxOrdinal = 6;
    public const int HourSeconds = 60 * 60;

    /// <summary>How late a record may come.</summary>
    public static readonly TimeSpan LateAfter = TimeSpan.FromHours(48);

    /// <summary>Clocks of devices differ.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromHours(1);

    /// <summary>As it begins, and as it stays when the device crashes while it is on the screen.</summary>
    /// <param name="id">128 random bits.</param>
    public static AdRecord Begin(Guid id, Catalog catalog, ChosenAd ad, int ordinal, DateTimeOffset now) =>
        new(id, ad.Line.Id, ad.Creative.Digest, catalog.Cell.ToString(), catalog.Epoch, HourOf(now), ordinal, Quartile.Start, DwellBucket.UnderOneSecond, false, AdAction.None);

    public bool IsLate(DateTimeOffset now) => IsLate(Hour, now);

    // On this side, so that no hour of somebody's choosing overflows.
    internal static bool IsLate(long hour, DateTimeOffset now) => hour <= now.ToUnixTimeSeconds() - HourSeconds - (long)LateAfter.TotalSeconds;

    /// <summary>On the screen for long enough: 2 s of a video, 1 s of a picture.</summary>
    public bool IsViewable(bool isVideo) => Dwell >= (isVideo ? DwellBucket.TwoToThree : DwellBucket.OneToTwo);

    /// <summary>Everything that can be said of a record alone; null when it may be true.</summary>
    /// <param name="duration">Of the creative; null for a picture.</param>
    public InvalidReason? FindFault(TimeSpan? duration, CallToActionKind action, DateTimeOffset now)
    {
        if (Hour % HourSeconds != 0 || Epoch % Catalog.EpochSeconds != 0) return InvalidReason.ImpossibleTime;
        if (Hour > (now + ClockTolerance).ToUnixTimeSeconds() || Epoch > (now + ClockTolerance).ToUnixTimeSeconds()) return InvalidReason.ImpossibleTime;
        // Shown in an hour that ended before the catalog began, or longer after it than a device keeps one.
        if (Hour + HourSeconds <= Epoch - (long)ClockTolerance.TotalSeconds || Hour > Epoch + (long)Catalog.OfflineLife.TotalSeconds + HourSeconds) return InvalidReason.StaleEpoch;
        if (Ordinal is < 1 or > MaxOrdinal) return InvalidReason.ImpossibleOrdinal;
        if (AtMost(Dwell) is { } most && duration is { } length && IsTooShort(most, length)) return InvalidReason.ImpossibleDwell;
        if (Skipped && Quartile == Quartile.Complete) return InvalidReason.ImpossibleSkip;
        if (!Fits(Action, action)) return InvalidReason.ImpossibleAction;
        return null;
    }

    private static bool Fits(AdAction action, CallToActionKind offered) => action switch
    {
        AdAction.MessageBusiness => offered == CallToActionKind.MessageBusiness,
        AdAction.OpenProduct => offered == CallToActionKind.OpenProduct,
        AdAction.Pay => offered == CallToActionKind.Pay,
        AdAction.OpenUrl => offered == CallToActionKind.OpenUrl,
        _ => true,
    };

    /// <summary>A tenth less than the letter, since devices round: most &lt; length × quartile / 4 × 9 / 10, in whole numbers.</summary>
    private bool IsTooShort(int most, TimeSpan length) => (Int128)most * TimeSpan.TicksPerSecond * 40 < (Int128)length.Ticks * (int)Quartile * 9;

    private static int? AtMost(DwellBucket dwell) => dwell switch
    {
        DwellBucket.UnderOneSecond => 1,
        DwellBucket.OneToTwo => 2,
        DwellBucket.TwoToThree => 3,
        DwellBucket.ThreeToSix => 6,
        DwellBucket.SixToFifteen => 15,
        _ => null,
    };

    public static DwellBucket DwellOf(TimeSpan time) => time.TotalSeconds switch
    {
        < 1 => DwellBucket.UnderOneSecond,
        < 2 => DwellBucket.OneToTwo,
        < 3 => DwellBucket.TwoToThree,
        < 6 => DwellBucket.ThreeToSix,
        < 15 => DwellBucket.SixToFifteen,
        _ => DwellBucket.FifteenAndMore,
    };

    /// <summary>Unix seconds of the hour.</summary>
    public static long HourOf(DateTimeOffset now) => now.ToUnixTimeSeconds() / HourSeconds * HourSeconds;
}

/// <summary>Why a record is never billed; it is counted all the same.</summary>
public enum InvalidReason
{
    UnknownLine,
    UnknownCreative,

    /// <summary>The service issued no catalog with this line to this cell in this epoch.</summary>
    StaleEpoch,
    ImpossibleTime,
    ImpossibleOrdinal,
    ImpossibleDwell,
    ImpossibleSkip,
    ImpossibleAction,
}
