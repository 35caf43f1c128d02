using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Bench.Simulation;

/// <summary>The windows of a line's life, reckoned once.</summary>
internal sealed class LifetimeWindowsOf
{
    private readonly Dictionary<Guid, IReadOnlyList<Window>> known = [];

    public IReadOnlyList<Window> Of(Guid line, LineTerms terms) => known.TryGetValue(line, out var found) ? found : known[line] = Schedule.Windows(terms, terms.StartsAt, terms.EndsAt);
}

/// <summary>A booked line with its ledger, and what the simulation knows of it that no service does: who saw it.</summary>
internal sealed class SimulatedLine
{
    private const long Price = 4_000_000;

    private readonly HashSet<SimulatedDevice> seers = [];
    private double viewable = 1;
    private bool isRaised;

    private SimulatedLine(string name, LineTerms terms, int number)
    {
        (Name, Terms) = (name, terms);
        (Id, Campaign, Advertiser) = (IdOf(number), IdOf(100 + number), IdOf(200 + number % 6));
        var facts = new CreativeFacts("Sponsored", "Brand", name, "Brand", "Brand", name, "en", CallToAction.None, new Disclosures());
        var file = new CreativeMedia("video-720", "video/mp4", null, 720, 1280, 8000, Digest.Of(System.Text.Encoding.UTF8.GetBytes(name)));
        Creative = new CatalogCreative(new CreativeContent(facts, [file]).Digest, facts, [new CatalogMedia(file, "https://storage.test/")], "Brand", "");
    }

    public string Name { get; }
    public LineTerms Terms { get; private set; }
    public Guid Id { get; }
    public Guid Campaign { get; }
    public Guid Advertiser { get; }
    public CatalogCreative Creative { get; }
    public FoldLine Folded => new(Id, Campaign, Advertiser, Terms);

    public long Shown { get; private set; }
    public long Viewable { get; private set; }
    public int Devices => seers.Count;
    public long Billed { get; private set; }
    public long Settled { get; private set; }
    public Dictionary<DateOnly, long> SettledByDay { get; } = [];
    public Dictionary<DateOnly, long> BilledByDay { get; } = [];

    public bool IsFree => Terms.PriceMicros == 0;

    /// <summary>Views that the budget pays for.</summary>
    public long BudgetViews => Cost.Affordable(0, Terms.PriceMicros, Terms.BudgetMicros);

    public static IEnumerable<SimulatedLine> Book(SimulationPlan plan, DateTimeOffset begin, DateTimeOffset end)
    {
        // Of what a hundred thousand devices can see; all together take about two thirds of it.
        long Views(double perDeviceDay) => Math.Max(40, (long)(plan.Devices * perDeviceDay * plan.Days));
        var number = 0;
        SimulatedLine Line(string name, Pacing pacing, double perDeviceDay, Tier tier = Tier.Standard, BudgetKind kind = BudgetKind.Lifetime, Targets? targets = null, Daypart[]? dayparts = null, Cap[]? caps = null, string zone = "UTC", long price = Price, string? category = null)
        {
            var views = kind == BudgetKind.Daily ? Views(perDeviceDay) / plan.Days : Views(perDeviceDay);
            // A day's budget is for a whole day.
            var (from, to) = kind == BudgetKind.Daily ? (Midnight(begin, zone, 1), Midnight(end, zone, 0)) : (begin, end);
            return new SimulatedLine(name, new LineTerms(tier, 100, price, kind, Math.Max(1, views * price / 1000), from, to, zone, pacing, targets ?? Targets.Everybody, dayparts ?? [], caps ?? [], category), ++number);
        }
        DayOfWeek[] all = Enum.GetValues<DayOfWeek>();
        yield return Line("even", Pacing.Even, 0.08);
        yield return Line("linear", Pacing.Linear, 0.05);
        yield return Line("front", Pacing.Front, 0.06);
        yield return Line("asap", Pacing.Asap, 0.03);
        yield return Line("sponsorship", Pacing.Even, 0.08, Tier.Sponsorship);
        yield return Line("daily, Berlin", Pacing.Even, 0.04, kind: BudgetKind.Daily, targets: new Targets([], ["DE"], []), zone: "Europe/Berlin");
        yield return Line("evenings, São Paulo", Pacing.Even, 0.02, targets: new Targets([], ["BR"], []), dayparts: [new Daypart(all, 18, 23)], zone: "America/Sao_Paulo");
        yield return Line("Lord Howe", Pacing.Even, 0.008, targets: new Targets([], ["AU"], []), zone: "Australia/Lord_Howe");
        yield return Line("capped, cars", Pacing.Even, 0.04, caps: [new Cap(CapLevel.Line, 1, 24 * 3600), new Cap(CapLevel.Advertiser, 2, 24 * 3600)], category: "cars");
        yield return Line("cars", Pacing.Even, 0.04, category: "cars");
        yield return Line("adults", Pacing.Even, 0.03, targets: new Targets([], [], [], AdultsOnly: true));
        yield return Line("raised by half", Pacing.Even, 0.04);
        yield return Line("house", Pacing.Asap, 0.01, Tier.House, price: 0);
    }

    public static void RaiseOnce(IReadOnlyList<SimulatedLine> lines)
    {
        var line = lines.Single(l => l.Name == "raised by half");
        if (line.isRaised) return;
        line.isRaised = true;
        line.Terms = line.Terms with { BudgetMicros = line.Terms.BudgetMicros * 3 / 2 };
    }

    /// <summary>As the planner reads it from what is counted, only of the line's whole life.</summary>
    public void Learn(long valid, long viewed) => viewable = Viewability.Of(valid, viewed);

    public PacePeriod Period(LifetimeWindowsOf windows, DateTimeOffset now, TimeSpan lag)
    {
        if (IsFree) return new PacePeriod(windows.Of(Id, Terms), 1e12, 0, lag);
        if (Terms.BudgetKind == BudgetKind.Lifetime) return new PacePeriod(windows.Of(Id, Terms), Billed + Cost.Affordable(Billed, Terms.PriceMicros, Terms.BudgetMicros - Settled), Billed, lag, viewable);
        var day = Schedule.DayOf(Terms, now);
        var left = Terms.BudgetMicros - SettledByDay.GetValueOrDefault(day);
        var billed = BilledByDay.GetValueOrDefault(day);
        return new PacePeriod(Schedule.Windows(Terms, Schedule.StartOfDay(Terms, day), Schedule.StartOfDay(Terms, day.AddDays(1))), billed + Cost.Affordable(Billed, Terms.PriceMicros, left), billed, lag, viewable);
    }

    /// <summary>Views that the plan asks for by a moment; of a daily budget those of the days before, too.</summary>
    public double PlannedBy(LifetimeWindowsOf windows, OpportunityCurve curve, DateTimeOffset at)
    {
        if (IsFree) return 0;
        if (Terms.BudgetKind == BudgetKind.Lifetime) return BudgetViews * Pace.PlannedShare(Terms.Pacing, windows.Of(Id, Terms), curve, at);
        double planned = 0;
        for (var day = Schedule.DayOf(Terms, Terms.StartsAt); Schedule.StartOfDay(Terms, day) < at && Schedule.StartOfDay(Terms, day) < Terms.EndsAt; day = day.AddDays(1))
            planned += BudgetViews * Pace.PlannedShare(Terms.Pacing, Schedule.Windows(Terms, Schedule.StartOfDay(Terms, day), Schedule.StartOfDay(Terms, day.AddDays(1))), curve, at);
        return planned;
    }

    public void See(SimulatedDevice device, DateTimeOffset at, bool isViewable)
    {
        seers.Add(device);
        device.Seen.Add((this, at));
        Shown++;
        if (isViewable) Viewable++;
    }

    public void Pay(Charge charge)
    {
        Billed += charge.Views;
        Settled += charge.Amount;
        SettledByDay[charge.Day] = SettledByDay.GetValueOrDefault(charge.Day) + charge.Amount;
        BilledByDay[charge.Day] = BilledByDay.GetValueOrDefault(charge.Day) + charge.Views;
    }

    /// <summary>Of the day there, or of some day after it.</summary>
    private static DateTimeOffset Midnight(DateTimeOffset time, string zone, int daysAfter)
    {
        var there = TimeZoneInfo.FindSystemTimeZoneById(zone);
        var day = TimeZoneInfo.ConvertTime(time, there).Date.AddDays(daysAfter);
        return new DateTimeOffset(day, there.GetUtcOffset(day)).ToUniversalTime();
    }

    private static Guid IdOf(int number) => new(number, 1, 1, [0, 0, 0, 0, 0, 0, 0, 1]);
}
