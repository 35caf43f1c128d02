using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Bench;

/// <summary>
/// One epoch's plan for 10,000 lines in 500 cells, beside what nobody can do without: writing and signing the catalogs that come of it.
/// </summary>
internal static class PlannerBench
{
    private const int LineCount = 10_000;

    public static Task RunAsync()
    {
        var random = new Random(1);
        var begin = new DateTimeOffset(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);
        var epoch = Catalog.EpochAt(begin.AddHours(60.5));
        var countries = Enumerable.Range(0, 25).Select(i => $"{(char)('A' + i / 5)}{(char)('A' + i % 5)}").ToArray();
        var languages = Enumerable.Range(0, 10).Select(i => $"{(char)('a' + i)}x").ToArray();
        var cells = countries.SelectMany(c => languages.SelectMany(l => Enum.GetValues<AgeBand>().Select(a => new Cell("chat", Placement.Tray, c, l, a))))
            .Select(c => new PlannedCell(c, [(c, OpportunityCurve.Flat(100 + random.Next(5_000)))])).ToList();
        DayOfWeek[] all = Enum.GetValues<DayOfWeek>();
        var facts = new CreativeFacts("Sponsored", "Brand", "Headline", "Brand", "Brand", "A picture", "en", CallToAction.None, new Disclosures());
        var creatives = Enumerable.Range(0, LineCount).Select(i =>
        {
            var file = new CreativeMedia("photo-1080", "image/webp", null, 1080, 1920, null, Digest.Of(BitConverter.GetBytes(i)));
            return new CatalogCreative(new CreativeContent(facts, [file]).Digest, facts, [new CatalogMedia(file, $"https://storage.test/{file.Blob.Sha256}")], "Brand", "Everybody.");
        }).ToArray();
        var lines = Enumerable.Range(0, LineCount).Select(i =>
        {
            // A third for everybody, a third for a country, a third for some hours of one.
            var targets = i % 3 == 0 ? Targets.Everybody : new Targets([], [countries[random.Next(countries.Length)]], []);
            var terms = new LineTerms((Tier)(i % 4), 1 + random.Next(100), 5_000_000, BudgetKind.Lifetime, 1_000_000L * (1 + random.Next(500)), begin, begin.AddDays(14), "Europe/Berlin", (Pacing)(i % 4), targets,
                i % 3 == 2 ? [new Daypart(all, 18, 22)] : [], [new Cap(CapLevel.Line, 2, 86_400)]);
            var windows = Schedule.Windows(terms, terms.StartsAt, terms.EndsAt);
            return new PlannedLine(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), terms, new PacePeriod(windows, terms.BudgetMicros / 5_000d, terms.BudgetMicros / 30_000d, TimeSpan.FromMinutes(20)), [creatives[i].Digest]);
        }).ToList();
        var byDigest = creatives.DistinctBy(c => c.Digest).ToDictionary(c => c.Digest);
        var plan = Planner.Make(lines, cells, epoch);
        Console.WriteLine($"{LineCount:#,0} lines, {cells.Count} cells: {plan.Cells.Values.Sum(c => c.Count):#,0} places in catalogs, at most {plan.Cells.Values.Max(c => c.Count):#,0} in one");
        // What an advertiser waits for at most: all of them stand against the line.
        var wanted = lines.Select(l => new WantedLine(l.Terms, l.Period.Windows, l.Period.Left, 0)).ToList();
        var parts = cells.SelectMany(c => c.Parts).ToList();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var forecast = Forecast.Of(wanted.First(l => l.Terms.Tier == Tier.Standard && l.Terms.Targets.Countries.Count == 0), parts, wanted, 28, DateTimeOffset.FromUnixTimeSeconds(epoch));
        Console.WriteLine($"A forecast of {forecast.Days.Count} days beside all of them: {watch.Elapsed.TotalSeconds:0.00} s");
        using var key = SigningKey.Generate();
        return Measure.CompareAsync("planner", 3,
            new Way("the plan", () => { Planner.Make(lines, cells, epoch); return Task.CompletedTask; }),
            new Way("writing and signing its catalogs", () =>
            {
                foreach (var (cell, found) in plan.Cells)
                    key.Sign(SignaturePurpose.Catalog, StoriesJson.Write(new Catalog("bench", cell, epoch, new AdPolicy(), found, [.. found.SelectMany(l => l.Creatives).Distinct().Select(d => byDigest[d])])));
                return Task.CompletedTask;
            }));
    }
}
