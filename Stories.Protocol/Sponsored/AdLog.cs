using System.Security.Cryptography;
using System.Text;

namespace Stories.Protocol.Sponsored;

/// <summary>
/// All that a device remembers about sponsored statuses; no one else ever has it. Times are unix milliseconds by the device's clock, which
/// people turn: what is dated in the future counts as if it were of now, so that a clock set back never frees a cap.
/// </summary>
/// <param name="Shown">In the order in which they were shown, for 30 days.</param>
/// <param name="Ordinals">How often each line was shown, for 180 days.</param>
/// <param name="Pending">What the service has not accepted yet.</param>
/// <param name="HiddenLines">Hidden by the person, with their creatives.</param>
/// <param name="HiddenCreatives">Digests.</param>
/// <param name="Thinning">Divides the load: doubled by each "see less", up to <see cref="MaxThinning"/>.</param>
/// <param name="DamagedAt">When a damaged log was found and this one begun: its caps are unknown until 30 days later.</param>
/// <param name="AheadSince">Since when something in here has been in the future.</param>
/// <param name="Tallies">Opportunities of the few hours of which this device tells; null: of none.</param>
public sealed record AdLog(
    IReadOnlyList<AdShowing> Shown,
    IReadOnlyList<AdOrdinal> Ordinals,
    IReadOnlyList<PendingRecord> Pending,
    IReadOnlyList<Guid> HiddenLines,
    IReadOnlyList<string> HiddenCreatives,
    IReadOnlyList<Guid> HiddenAdvertisers,
    int Thinning = 1,
    long? DamagedAt = null,
    long? AheadSince = null,
    IReadOnlyList<AdTally>? Tallies = null)
{
    public const int MaxThinning = 16;

    /// <summary>The longest window of a cap.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(Cap.MaxSeconds);

    public static readonly TimeSpan OrdinalsKeptFor = TimeSpan.FromDays(180);

    /// <summary>A record that nobody has ended goes out as it was begun, when nobody can be looking at it any more.</summary>
    private const int OpenSeconds = 60 * 60;

    /// <summary>Far above anything that 30 days can fill.</summary>
    private const int MaxBytes = 16 * 1024 * 1024;
    private const int SumCharacters = 64;
    private const long MaxTime = 253_402_300_799_999;

    public static AdLog Empty { get; } = new([], [], [], [], [], []);

    /// <summary>Whether it is unknown what was shown within the last 30 days: nothing is shown then.</summary>
    public bool IsQuiet(DateTimeOffset now) => DamagedAt is { } at && Age(at, now) < Milliseconds(KeptFor);

    /// <summary>How long ago, in milliseconds; never negative.</summary>
    public static long Age(long at, DateTimeOffset now) => now.ToUnixTimeMilliseconds() - Math.Min(at, now.ToUnixTimeMilliseconds());

    /// <summary>How many of <paramref name="which"/> were shown within the last <paramref name="seconds"/>.</summary>
    public int CountShown(Func<AdShowing, bool> which, int seconds, DateTimeOffset now) => Shown.Count(s => which(s) && Age(s.At, now) < seconds * 1000L);

    /// <summary>The next showing of a line is its how-manieth on this device: 1 to 5, and 6 for all after that.</summary>
    public int NextOrdinal(Guid line) => Math.Min((Ordinals.FirstOrDefault(o => o.Line == line)?.Count ?? 0) + 1, AdRecord.MaxOrdinal);

    /// <summary>To be written before the first frame: what a crash forgets would be shown again.</summary>
    /// <param name="record">From <see cref="AdRecord.Begin"/>; ended by <see cref="End"/>.</param>
    public AdLog Show(ChosenAd ad, AdRecord record, DateTimeOffset now)
    {
        var (line, at) = (ad.Line, now.ToUnixTimeMilliseconds());
        return this with
        {
            Shown = [.. Shown, new AdShowing(line.Id, line.Campaign, line.Advertiser, ad.Creative.Digest, line.Category, at)],
            Ordinals = [.. Ordinals.Where(o => o.Line != line.Id), new AdOrdinal(line.Id, NextOrdinal(line.Id), at)],
            Pending = [.. Pending, new PendingRecord(record, IsOpen: true)],
        };
    }

    /// <param name="record">With what became of it; changes nothing when it has gone out already.</param>
    public AdLog End(AdRecord record) => this with { Pending = [.. Pending.Select(p => p.Record.Id == record.Id ? new PendingRecord(record) : p)] };

    /// <summary>What may be submitted now.</summary>
    public IEnumerable<AdRecord> Due(DateTimeOffset now) =>
        Pending.Where(p => !p.IsOpen || p.Record.Hour + AdRecord.HourSeconds + OpenSeconds <= now.ToUnixTimeSeconds()).Select(p => p.Record);

    /// <summary>The service has these.</summary>
    public AdLog Accept(IReadOnlySet<Guid> records) => this with { Pending = [.. Pending.Where(p => !records.Contains(p.Record.Id))] };

    /// <summary>A sponsored status could stand here, whether one does or not.</summary>
    public AdLog CountOpportunity(DateTimeOffset now)
    {
        var hour = AdRecord.HourOf(now);
        var count = (Tallies ?? []).FirstOrDefault(t => t.Hour == hour)?.Count ?? 0;
        return this with { Tallies = [.. (Tallies ?? []).Where(t => t.Hour != hour), new AdTally(hour, Math.Min(count + 1, OpportunityTally.Most))] };
    }

    /// <summary>Of the hours that are over.</summary>
    public IEnumerable<AdTally> DueTallies(DateTimeOffset now) => (Tallies ?? []).Where(t => t.Hour + AdRecord.HourSeconds <= now.ToUnixTimeSeconds());

    /// <summary>The service has those of these hours.</summary>
    public AdLog AcceptTallies(IReadOnlySet<long> hours) => KeepTallies(t => !hours.Contains(t.Hour));

    public AdLog HideAd(Guid line, string creative) => this with { HiddenLines = [.. HiddenLines.Union([line])], HiddenCreatives = [.. HiddenCreatives.Union([creative])] };

    public AdLog HideAdvertiser(Guid advertiser) => this with { HiddenAdvertisers = [.. HiddenAdvertisers.Union([advertiser])] };

    /// <summary>The person takes back what was hidden.</summary>
    public AdLog ShowHidden() => this with { HiddenLines = [], HiddenCreatives = [], HiddenAdvertisers = [] };

    public AdLog SeeLess() => this with { Thinning = Math.Min(Thinning * 2, MaxThinning) };

    public AdLog SeeUsual() => this with { Thinning = 1 };

    /// <summary>Forgets what no rule asks for any more.</summary>
    public AdLog Prune(DateTimeOffset now)
    {
        var at = now.ToUnixTimeMilliseconds();
        var log = this with { AheadSince = IsAhead(at) ? Math.Min(AheadSince ?? at, at) : null };
        // A clock that was once in another century must not end sponsored statuses for good: every cap has run out meanwhile.
        if (log.AheadSince is { } since && at - since >= Milliseconds(KeptFor)) log = log.LeaveFuture(at);
        return log.KeepTallies(t => !AdRecord.IsLate(t.Hour, now)) with
        {
            Shown = [.. log.Shown.Where(s => Age(s.At, now) < Milliseconds(KeptFor))],
            Ordinals = [.. log.Ordinals.Where(o => Age(o.At, now) < Milliseconds(OrdinalsKeptFor))],
            Pending = [.. log.Pending.Where(p => !p.Record.IsLate(now))],
            DamagedAt = log.IsQuiet(now) ? log.DamagedAt : null,
        };
    }

    /// <summary>SHA-256 of the JSON in lower-case hex, LF, the JSON.</summary>
    public byte[] Write()
    {
        var json = StoriesJson.Write(this);
        return [.. Encoding.ASCII.GetBytes(Sum(json)), (byte)'\n', .. json];
    }

    /// <summary>Never throws. What is not a log as <see cref="Write"/> writes it becomes an empty one that is quiet for 30 days.</summary>
    public static AdLog Read(ReadOnlySpan<byte> file, DateTimeOffset now) =>
        file.Length is > SumCharacters and <= MaxBytes && file[SumCharacters] == '\n' &&
        file[..SumCharacters].SequenceEqual(Encoding.ASCII.GetBytes(Sum(file[(SumCharacters + 1)..]))) &&
        StoriesJson.ReadCanonical<AdLog>(file[(SumCharacters + 1)..]) is { } log && log.IsWhole()
            ? log
            : Empty with { DamagedAt = now.ToUnixTimeMilliseconds() };

    private bool IsAhead(long at) => DamagedAt > at || Shown.Any(s => s.At > at) || Ordinals.Any(o => o.At > at) || Pending.Any(p => p.Record.Hour > at / 1000) ||
        (Tallies ?? []).Any(t => t.Hour > at / 1000);

    private AdLog KeepTallies(Func<AdTally, bool> which) => this with { Tallies = (Tallies ?? []).Where(which).ToArray() is { Length: > 0 } kept ? kept : null };

    private AdLog LeaveFuture(long at) => KeepTallies(t => t.Hour <= at / 1000) with
    {
        Shown = [.. Shown.Where(s => s.At <= at)],
        Ordinals = [.. Ordinals.Select(o => o with { At = Math.Min(o.At, at) })],
        Pending = [.. Pending.Where(p => p.Record.Hour <= at / 1000)],
        DamagedAt = DamagedAt <= at ? DamagedAt : null,
        AheadSince = null,
    };

    private bool IsWhole() =>
        this is { Shown: not null, Ordinals: not null, Pending: not null, HiddenLines: not null, HiddenCreatives: not null, HiddenAdvertisers: not null } &&
        Thinning is 1 or 2 or 4 or 8 or MaxThinning && IsTime(DamagedAt ?? 0) && IsTime(AheadSince ?? 0) &&
        Shown.All(s => s is { Creative: not null } && IsTime(s.At)) &&
        Ordinals.All(o => o is { Count: >= 1 and <= AdRecord.MaxOrdinal } && IsTime(o.At)) && Ordinals.DistinctBy(o => o.Line).Count() == Ordinals.Count &&
        Pending.All(p => p is { Record: { Creative: not null, Cell: not null } record } && IsTime(record.Hour) && IsTime(record.Epoch)) &&
        HiddenCreatives.All(c => c is not null) && (Tallies ?? []).All(t => t is { Count: >= 0 } && IsTime(t.Hour));

    private static bool IsTime(long at) => at is >= 0 and <= MaxTime;

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;

    private static string Sum(ReadOnlySpan<byte> json) => Convert.ToHexStringLower(SHA256.HashData(json));
}

/// <param name="Creative">Digest.</param>
/// <param name="At">Unix milliseconds.</param>
public sealed record AdShowing(Guid Line, Guid Campaign, Guid Advertiser, string Creative, string? Category, long At);

/// <param name="Count">1 to 6; 6 stands for all above.</param>
/// <param name="At">Unix milliseconds of the last.</param>
public sealed record AdOrdinal(Guid Line, int Count, long At);

/// <param name="IsOpen">It is on the screen, or the device crashed while it was.</param>
public sealed record PendingRecord(AdRecord Record, bool IsOpen = false);

/// <param name="Hour">Unix seconds.</param>
public sealed record AdTally(long Hour, int Count);
