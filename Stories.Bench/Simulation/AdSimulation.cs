using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Bench.Simulation;

/// <param name="WarmUpDays">With nothing booked: the curve is learned.</param>
/// <param name="Days">With the lines.</param>
/// <param name="Outage">Hours from the lines' begin within which no catalog is made and nothing is counted.</param>
/// <param name="Rise">Hour from the lines' begin at which one line's budget rises by half.</param>
internal sealed record SimulationPlan(int Devices, int WarmUpDays, int Days, int Seed, (double From, double To) Outage, double Rise)
{
    public static SimulationPlan Large { get; } = new(100_000, 2, 4, 1, (40, 43), 50);
    public static SimulationPlan Small { get; } = new(3_000, 1, 2, 1, (20, 22), 26);

    /// <summary>The Friday before Europe's clocks go back.</summary>
    public DateTimeOffset Begin { get; } = new DateTimeOffset(2026, 10, 23, 0, 0, 0, TimeSpan.Zero).AddDays(-WarmUpDays);
}

/// <summary>
/// Virtual devices before the real planner, gate, choice and counter, over days, with a clock that runs as fast as it can. What is simulated is people,
/// time and the network between; every rule that decides or bills is the product's own.
/// </summary>
internal sealed class AdSimulation
{
    private static readonly TimeSpan Epoch = TimeSpan.FromSeconds(Catalog.EpochSeconds);
    private static readonly TimeSpan FoldEvery = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan PerStatus = TimeSpan.FromSeconds(5);

    private readonly SimulationPlan plan;
    private readonly Random random;
    private readonly DateTimeOffset begin;
    private readonly DateTimeOffset end;
    private readonly List<CrowdCell> crowd;
    private readonly SimulatedDevice[][] devices;
    private readonly List<SimulatedLine> lines;
    private readonly Dictionary<string, CatalogCreative> creatives = [];
    private readonly LifetimeWindowsOf windows = new();
    private readonly Dictionary<Cell, Dictionary<long, double>> opportunities = [];
    private readonly Dictionary<Cell, OpportunityCurve> curves = [];
    private readonly Dictionary<Cell, Catalog> catalogs = [];
    private readonly HashSet<(string Cell, long Epoch, Guid Line)> issued = [];
    private readonly PriorityQueue<AdRecord, DateTimeOffset> underWay = new();
    private readonly HashSet<Guid> counted = [];
    private readonly Dictionary<CountKey, long> counts = [];

    public AdSimulation(SimulationPlan plan)
    {
        this.plan = plan;
        random = new Random(plan.Seed);
        begin = plan.Begin.AddDays(plan.WarmUpDays);
        end = begin.AddDays(plan.Days);
        crowd = [.. Places().SelectMany(p => new[] { (Age: AgeBand.Adult, Share: 0.7), (Age: AgeBand.Unknown, Share: 0.3) }.Select(a =>
            new CrowdCell(new Cell("chat", Placement.Tray, p.Country, p.Language, a.Age), p.Zone, Math.Max(1, (int)(plan.Devices * p.Share * a.Share)))))];
        devices = [.. crowd.Select(c => Enumerable.Range(0, c.Devices).Select(_ => new SimulatedDevice()).ToArray())];
        lines = [.. SimulatedLine.Book(plan, begin, end)];
        foreach (var line in lines) creatives[line.Creative.Digest] = line.Creative;
        foreach (var cell in crowd) opportunities[cell.Cell] = [];
    }

    public async Task<SimulationResult> RunAsync(Action<string> say)
    {
        await Task.Yield();
        var nextFold = plan.Begin;
        var hourly = new List<SimulatedHour>();
        for (var now = plan.Begin; now < end; now += Epoch)
        {
            var isOut = now >= begin.AddHours(plan.Outage.From) && now < begin.AddHours(plan.Outage.To);
            if (now >= begin.AddHours(plan.Rise)) SimulatedLine.RaiseOnce(lines);
            if (!isOut && now >= nextFold)
            {
                Fold(now);
                nextFold = now + FoldEvery;
            }
            if (!isOut) Plan(now);
            for (var cell = 0; cell < crowd.Count; cell++) Watch(cell, now);
            if ((now + Epoch).Minute != 0 || now < begin) continue;
            hourly.Add(new SimulatedHour((now + Epoch - begin).TotalHours, [.. lines.Select(l => (l.Viewable, PlannedBy(l, now + Epoch)))]));
            if ((now + Epoch).Hour == 0) say($"  {now + Epoch:d MMM}: {lines.Sum(l => l.Shown):#,0} shown, {lines.Sum(l => l.Billed):#,0} billed");
        }
        // What is still under way arrives within two days; nothing is shown any more.
        Fold(end.AddHours(47));
        return new SimulationResult(plan, lines, hourly, counts, devices, crowd);
    }

    private static IEnumerable<(string Country, string Language, string Zone, double Share)> Places() =>
        [("DE", "de", "Europe/Berlin", 0.4), ("BR", "pt", "America/Sao_Paulo", 0.3), ("US", "en", "America/New_York", 0.2), ("AU", "en", "Australia/Lord_Howe", 0.1)];

    private void Plan(DateTimeOffset now)
    {
        if (now.Minute == 0 || curves.Count == 0)
            foreach (var cell in crowd) curves[cell.Cell] = OpportunityCurve.Learn(opportunities[cell.Cell].Select(o => (DateTimeOffset.FromUnixTimeSeconds(o.Key * 3600), o.Value)), now);
        var epoch = Catalog.EpochAt(now);
        var planned = lines.Where(l => now >= begin && l.Terms.EndsAt > now && l.Terms.StartsAt < now + Catalog.OfflineLife)
            .Select(l => new PlannedLine(l.Id, l.Campaign, l.Advertiser, l.Terms, l.Period(windows, now, FoldEvery + Epoch), [l.Creative.Digest])).ToList();
        var made = Planner.Make(planned, [.. crowd.Select(c => new PlannedCell(c.Cell, [(c.Cell, curves[c.Cell])]))], epoch);
        foreach (var (cell, found) in made.Cells)
        {
            catalogs[cell] = new Catalog("simulation", cell, epoch, SimulationResult.Policy, found, [.. found.SelectMany(l => l.Creatives).Distinct().Select(d => creatives[d])]);
            foreach (var line in found) issued.Add((cell.ToString(), epoch, line.Id));
        }
    }

    /// <summary>Everybody of a cell who begins to look within an epoch, to the end of the sitting.</summary>
    private void Watch(int cell, DateTimeOffset now)
    {
        var sessions = Crowd.Poisson(random, Crowd.SessionsPerEpoch(crowd[cell].LocalAt(now)) * crowd[cell].Devices);
        for (var i = 0; i < sessions; i++)
        {
            var device = devices[cell][random.Next(devices[cell].Length)];
            var at = now + Epoch * random.NextDouble();
            if (device.BusyUntil <= at && catalogs.TryGetValue(crowd[cell].Cell, out var catalog)) Sit(device, crowd[cell], catalog, at);
        }
    }

    private void Sit(SimulatedDevice device, CrowdCell place, Catalog catalog, DateTimeOffset now)
    {
        var session = AdSession.BeginAt(now);
        var trace = new SittingTrace(now);
        var people = Crowd.PeopleInTray(random);
        var seed = new byte[AdDraw.SeedBytes];
        random.NextBytes(seed);
        var slots = 0;
        device.Log = device.Log.Prune(now);
        for (var person = 0; person < people; person++)
        {
            var statuses = 1 + random.Next(3);
            for (var status = 0; status < statuses; status++)
            {
                now += PerStatus * (0.3 + 1.4 * random.NextDouble());
                session = session.SeeStatus();
                trace.Status(now);
            }
            session = session.LeavePerson();
            trace.Person();
            if (AdGate.Decide(catalog.Policy, session, device.Log, new AdBoundary(false, people - person - 1), now) != GateReason.Open) continue;
            if (slots == session.Ads)
            {
                slots++;
                Tally(place.Cell, now);
            }
            var chosen = AdChoice.Choose(catalog, device.Log, place.Cell.Country, place.Cell.Language, Ready(catalog), now, AdDraw.SeedOf(seed, session.Ads));
            if (chosen is null) continue;
            trace.Ad(now);
            now += Show(device, place, catalog, chosen, ref session, now);
        }
        trace.End();
        device.GateFaults += trace.Faults;
        device.BusyUntil = now;
    }

    private TimeSpan Show(SimulatedDevice device, CrowdCell place, Catalog catalog, ChosenAd chosen, ref AdSession session, DateTimeOffset now)
    {
        var record = AdRecord.Begin(NewId(), catalog, chosen, device.Log.NextOrdinal(chosen.Line.Id), now);
        device.Log = device.Log.Show(chosen, record, now);
        // A fifth is skipped at once, a third at some time, the rest is seen to its end.
        var fate = random.NextDouble();
        var seconds = fate < 0.2 ? 0.5 : fate < 0.5 ? 1 + 6 * random.NextDouble() : 8;
        var dwell = AdRecord.DwellOf(TimeSpan.FromSeconds(seconds));
        var skipped = seconds < 8;
        session = session.ShowAd().EndAd(dwell, skipped);
        record = record with { Quartile = (Quartile)(int)(seconds / 8 * 4), Dwell = dwell, Skipped = skipped };
        device.Log = device.Log.End(record).Accept(new HashSet<Guid> { record.Id });
        lines.Find(l => l.Id == chosen.Line.Id)!.See(device, now, dwell >= DwellBucket.TwoToThree);
        var late = random.NextDouble() < 0.85 ? TimeSpan.FromMinutes(1 + 4 * random.NextDouble()) : TimeSpan.FromHours(Math.Min(40, -3 * Math.Log(1 - random.NextDouble())));
        underWay.Enqueue(record, now + late);
        // And sometimes twice: its answer was lost.
        if (random.NextDouble() < 0.02) underWay.Enqueue(record, now + late * 2);
        return TimeSpan.FromSeconds(seconds);
    }

    /// <summary>The product's fold, with money that is kept here instead of in rows.</summary>
    private void Fold(DateTimeOffset now)
    {
        var arrived = new List<(AdRecord Record, DateTimeOffset At)>();
        while (underWay.TryPeek(out var record, out var at) && at <= now) arrived.Add((underWay.Dequeue(), at));
        if (arrived.Count == 0) return;
        var facts = new FoldFacts(
            lines.ToDictionary(l => l.Id, l => l.Folded), lines.ToDictionary(l => (l.Advertiser, l.Creative.Digest), _ => new FoldCreative(TimeSpan.FromSeconds(8), CallToActionKind.None)), issued);
        var fold = new Fold(facts);
        foreach (var (record, at) in arrived) fold.Count(record, at, counted.Add(record.Id));
        var money = new FoldMoney();
        foreach (var line in lines)
        {
            money.KnowWallet(line.Advertiser, long.MaxValue / 4);
            money.KnowCampaign(line.Campaign, null, 0);
            money.Know(line.Folded, line.Billed, line.Settled);
            foreach (var (day, settled) in line.SettledByDay) money.KnowDay(line.Id, day, settled, null, now);
        }
        foreach (var charge in fold.Settle(money)) lines.Find(l => l.Id == charge.Line.Id)!.Pay(charge);
        foreach (var (key, value) in fold.Counts) counts[key] = counts.GetValueOrDefault(key) + value;
        var sums = counts.Where(c => c.Key.Counter is Counters.Valid or Counters.Viewable).GroupBy(c => (c.Key.Line, c.Key.Counter)).ToDictionary(g => g.Key, g => g.Sum(c => c.Value));
        foreach (var line in lines) line.Learn(sums.GetValueOrDefault((line.Id, Counters.Valid)), sums.GetValueOrDefault((line.Id, Counters.Viewable)));
    }

    private double PlannedBy(SimulatedLine line, DateTimeOffset at)
    {
        var reached = OpportunityCurve.SumOf(crowd.Where(c => Planner.IsFor(line.Terms.Targets, c.Cell)).Select(c => curves[c.Cell]));
        return line.PlannedBy(windows, reached, at);
    }

    /// <summary>One device-hour in sixteen tells, and stands for all.</summary>
    private void Tally(Cell cell, DateTimeOffset now)
    {
        if (random.Next(16) != 0) return;
        var hour = now.ToUnixTimeSeconds() / 3600;
        opportunities[cell][hour] = opportunities[cell].GetValueOrDefault(hour) + 16;
    }

    private static HashSet<string> Ready(Catalog catalog) => [.. catalog.Creatives.Select(c => c.Digest)];

    private Guid NewId()
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }
}
