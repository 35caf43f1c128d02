using System.Globalization;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Bench.Simulation;

/// <summary>Each line's views that count and those that were planned, at the end of an hour.</summary>
internal sealed record SimulatedHour(double Hour, IReadOnlyList<(long Viewable, double Planned)> Lines);

/// <summary>What came of a simulation, judged by what only it knows: who saw what, and when.</summary>
internal sealed class SimulationResult(
    SimulationPlan plan, IReadOnlyList<SimulatedLine> lines, IReadOnlyList<SimulatedHour> hours, IReadOnlyDictionary<CountKey, long> counts, SimulatedDevice[][] devices, IReadOnlyList<CrowdCell> crowd)
{
    /// <summary>In every catalog.</summary>
    public static AdPolicy Policy { get; } = new(Caps: [new Cap(CapLevel.All, 12, 24 * 3600)]);

    public IReadOnlyList<SimulatedLine> Lines => lines;

    /// <summary>Sittings in which something stood where nothing may.</summary>
    public int GateFaults => devices.Sum(c => c.Sum(d => d.GateFaults));

    /// <summary>Showings above a cap, found by counting in every window that ends with a showing.</summary>
    public int CapFaults => devices.Sum(c => c.Sum(CapFaultsOf));

    /// <summary>Lines that were billed above a budget of theirs, or not by the formula.</summary>
    public int Overbilled => lines.Count(l =>
        l.Settled != Cost.Of(l.Billed, l.Terms.PriceMicros) || l.Billed > l.Viewable ||
        (l.Terms.BudgetKind == BudgetKind.Lifetime ? l.Settled > l.Terms.BudgetMicros : l.SettledByDay.Values.Any(d => d > l.Terms.BudgetMicros)));

    /// <summary>received = valid + duplicate + invalid + late; valid = billed + overdelivered + free.</summary>
    public bool IdentitiesHold =>
        Sum(Counters.Received) == Sum(Counters.Valid) + Sum(Counters.Duplicate) + Sum(Counters.Invalid) + Sum(Counters.Late) &&
        Sum(Counters.Valid) == Sum(Counters.Billed) + Sum(Counters.Overdelivered) + Sum(Counters.Free);

    public long Late => Sum(Counters.Late);
    public long Invalid => Sum(Counters.Invalid);
    public long Overdelivered => Sum(Counters.Overdelivered);

    /// <summary>First showings as they were counted against devices that there really were.</summary>
    public double ReachError(SimulatedLine line) => line.Devices == 0 ? 0 : Math.Abs((double)Of(line, Counters.Ordinal(1)) / line.Devices - 1);

    /// <summary>How much of what its budget pays for was billed in the end.</summary>
    public static double Delivered(SimulatedLine line)
    {
        double wanted = line.Terms.BudgetKind == BudgetKind.Lifetime ? line.BudgetViews : line.BudgetViews * line.BilledByDay.Count;
        return wanted == 0 ? 1 : line.Billed / wanted;
    }

    /// <summary>The largest distance from the plan in any hour after the first six, as a share of the whole plan; not around an outage, nor after the rise of a budget.</summary>
    public double MostOff(SimulatedLine line)
    {
        var at = lines.ToList().IndexOf(line);
        var whole = hours[^1].Lines[at].Planned;
        return line.IsFree || line.Terms.Pacing == Pacing.Asap || whole == 0 ? 0 : hours
            .Where(h => h.Hour > 6 && !(h.Hour >= plan.Outage.From && h.Hour < plan.Outage.To + 6) && !(line.Name == "raised by half" && h.Hour >= plan.Rise - 1))
            .Max(h => Math.Abs(h.Lines[at].Viewable - h.Lines[at].Planned) / whole);
    }

    public void Print(Action<string> say)
    {
        say($"{plan.Devices:#,0} devices in {crowd.Count} cells, {plan.Days} days after {plan.WarmUpDays} of learning; seed {plan.Seed}");
        say($"{"line",-22} {"budget",9} {"shown",9} {"viewable",9} {"billed",9} {"delivered",9} {"most off",9} {"reach",8} {"reach off",9}");
        foreach (var line in lines)
        {
            say(string.Create(CultureInfo.InvariantCulture,
                $"{line.Name,-22} {(line.IsFree ? "" : line.BudgetViews.ToString("#,0", CultureInfo.InvariantCulture)),9} {line.Shown,9:#,0} {line.Viewable,9:#,0} {line.Billed,9:#,0} {(line.IsFree ? "" : Delivered(line).ToString("0.0 %", CultureInfo.InvariantCulture)),9} {(line.IsFree ? "" : MostOff(line).ToString("0.0 %", CultureInfo.InvariantCulture)),9} {line.Devices,8:#,0} {ReachError(line),9:0.00 %}"));
        }
        say($"overbilled lines {Overbilled}, overdelivered views {Overdelivered:#,0}, late {Late:#,0}, invalid {Invalid:#,0}; gate violations {GateFaults}, cap violations {CapFaults}; identities {(IdentitiesHold ? "hold" : "DO NOT HOLD")}");
    }

    public string DrawPacing(params string[] names)
    {
        string[] colours = ["#2a6fb0", "#c8622a", "#3a9050", "#8a5cb8", "#b03a58"];
        var curves = new List<Curve>();
        foreach (var (name, i) in names.Select((n, i) => (n, i)))
        {
            var at = lines.ToList().FindIndex(l => l.Name == name);
            var whole = Math.Max(1, hours[^1].Lines[at].Planned);
            curves.Add(new Curve(name, colours[i % colours.Length], [.. hours.Select(h => (h.Hour, h.Lines[at].Viewable / whole * 100))]));
            curves.Add(new Curve("", colours[i % colours.Length], [.. hours.Select(h => (h.Hour, h.Lines[at].Planned / whole * 100))], IsDashed: true));
        }
        return Plot.Draw("Shown against planned (dashed)", "hours", "% of the whole plan", curves, 12);
    }

    private long Sum(string counter) => counts.Where(c => c.Key.Counter == counter).Sum(c => c.Value);

    private long Of(SimulatedLine line, string counter) => counts.Where(c => c.Key.Line == line.Id && c.Key.Counter == counter).Sum(c => c.Value);

    private static int CapFaultsOf(SimulatedDevice device)
    {
        var faults = 0;
        for (var i = 0; i < device.Seen.Count; i++)
        {
            var (line, at) = device.Seen[i];
            foreach (var cap in line.Terms.Caps.Concat(Policy.Caps!))
            {
                var within = device.Seen.Take(i + 1).Count(s => (at - s.At).TotalSeconds < cap.Seconds && cap.Level switch
                {
                    CapLevel.Line or CapLevel.Creative => s.Line == line,
                    CapLevel.Campaign => s.Line.Campaign == line.Campaign,
                    CapLevel.Advertiser => s.Line.Advertiser == line.Advertiser,
                    _ => true,
                });
                if (within > cap.Most) faults++;
            }
            // Competitors are never neighbours within the hour.
            if (i > 0 && device.Seen[i - 1] is var before && (at - before.At).TotalHours < 1 && (before.Line.Advertiser == line.Advertiser || (line.Terms.Category is not null && before.Line.Terms.Category == line.Terms.Category))) faults++;
        }
        return faults;
    }
}

/// <summary><c>./stories simulate ads</c>.</summary>
internal static class SimulateAds
{
    public static async Task<int> RunAsync(SimulationPlan plan, string? folder)
    {
        var result = await new AdSimulation(plan).RunAsync(Console.WriteLine);
        result.Print(Console.WriteLine);
        if (folder is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "ads-pacing.svg"), result.DrawPacing("even", "front", "daily, Berlin", "raised by half"));
            await File.WriteAllTextAsync(Path.Combine(folder, "ads-dayparts.svg"), result.DrawPacing("evenings, São Paulo", "Lord Howe"));
        }
        return result is { Overbilled: 0, GateFaults: 0, CapFaults: 0, IdentitiesHold: true } ? 0 : 1;
    }
}
