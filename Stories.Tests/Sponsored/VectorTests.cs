using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Stories.Protocol;
using Stories.Protocol.Sponsored;
using Repository = Stories.Tests.Fixtures.Repository;

namespace Stories.Tests.Sponsored;

/// <summary>docs/vectors, which a program in another language wrote after the rule in words.</summary>
public sealed class VectorTests
{
    private static string Folder => Repository.Path("docs", "vectors");

    [Fact]
    public void The_gate_decides_as_the_vectors_say() => Each<GateCase>("gate.json", "cases", (c, name) => Same(c.Expect, AdGate.Decide(
        c.Policy, c.Session, AdLog.Empty with { Shown = [.. c.Shown.Select(at => new AdShowing(Guid.Empty, Guid.Empty, Guid.Empty, "", null, at))], Thinning = c.Thinning, DamagedAt = c.DamagedAt }, c.Boundary, At(c.Now)), name));

    [Fact]
    public void Caps_count_as_the_vectors_say() => Each<CapCase>("caps.json", "cases", (c, name) =>
    {
        // A line and a creative that nothing but the cap can speak against.
        var creative = new CatalogCreative(c.Creative, AdStage.Creative("x").Facts, [], "", "");
        var line = new CatalogLine(c.Line.Id, c.Line.Campaign, c.Line.Advertiser, Tier.Standard, 1, 64, [new Window(0, long.MaxValue)], c.Cap.Level == CapLevel.All ? [] : [c.Cap], null, [], [], [c.Creative]);
        var catalog = AdStage.CatalogOf([line], [creative], new AdPolicy(AdsApart: 0, Caps: c.Cap.Level == CapLevel.All ? [c.Cap] : null));
        Same(c.Expect ? AdRefusal.Capped : null, AdChoice.FindRefusal(catalog, line, AdLog.Empty with { Shown = c.Shown }, null, null, AdStage.All(catalog), At(c.Now)), name);
    });

    [Fact]
    public void Draws_are_those_of_the_vectors()
    {
        Each<LogarithmCase>("choice.json", "logarithms", (c, name) => Same(c.Log, AdDraw.MinusLog2(c.U), $"{name}: {c.U}"));
        Each<DrawCase>("choice.json", "draws", (c, name) => Same(new AdDraw(c.Pass, c.Log), AdDraw.Of(Convert.FromHexString(c.Seed), c.Line), name));
        Each<SeedCase>("choice.json", "seeds", (c, name) => Same(c.Seed, Convert.ToHexStringLower(AdDraw.SeedOf(Convert.FromHexString(c.Session), c.Ads)), name));
    }

    [Fact]
    public void The_choice_is_that_of_the_vectors() => Each<ChoiceCase>("choice.json", "cases", (c, name) =>
    {
        var facts = AdStage.Creative("x").Facts;
        var catalog = new Catalog(
            "here", AdStage.Berlin with { Age = c.Age }, 0, new AdPolicy(AdsApart: c.AdsApart, Caps: c.PolicyCaps), c.Lines,
            [.. c.Creatives.Select(o => new CatalogCreative(o.Digest, facts with { Disclosures = new Disclosures(AdultsOnly: o.AdultsOnly) }, [], "", ""))]);
        var log = AdLog.Empty with { Shown = c.Shown, HiddenLines = c.HiddenLines, HiddenCreatives = c.HiddenCreatives, HiddenAdvertisers = c.HiddenAdvertisers };
        var ready = c.Ready.ToHashSet();
        var seed = Convert.FromHexString(c.Seed);
        Same(string.Join(' ', c.Expect.Refusals), string.Join(' ', c.Lines.Select(l => AdChoice.FindRefusal(catalog, l, log, c.Country, c.Language, ready, At(c.Now)))), name);
        var chosen = AdChoice.Choose(catalog, log, c.Country, c.Language, ready, At(c.Now), seed);
        Same(c.Expect.Chosen, chosen is null ? null : new Pair(chosen.Line.Id, chosen.Creative.Digest), name);
        Same(string.Join(' ', c.Expect.Prefetch), string.Join(' ', AdChoice.PrefetchOrder(catalog, log, c.Country, c.Language, At(c.Now), seed).Select(a => new Pair(a.Line.Id, a.Creative.Digest))), name);
    });

    [Fact]
    public void Logs_are_whole_or_damaged_as_the_vectors_say() => Each<FileCase>("log.json", "files", (c, name) =>
    {
        var log = AdLog.Read(Encoding.UTF8.GetBytes(c.File), AdStage.Noon);
        Same(c.IsWhole, log.DamagedAt != AdStage.Noon.ToUnixTimeMilliseconds(), name);
        if (c.IsWhole) Same(c.File, Encoding.UTF8.GetString(log.Write()), name);
    });

    [Fact]
    public void Logs_change_as_the_vectors_say() => Each<ChangeCase>("log.json", "changes", (c, name) => Same(Json(c.Expect), Json(c.Apply()), name));

    [Fact]
    public void Records_are_due_when_the_vectors_say() => Each<DueCase>("log.json", "due", (c, name) => Same(c.Expect, (AdLog.Empty with { Pending = [c.Pending] }).Due(At(c.Now)).Any(), name));

    [Fact]
    public void Catalogs_have_the_faults_that_the_vectors_say()
    {
        var all = JsonSerializer.Deserialize<CatalogCases>(File.ReadAllText(Path.Combine(Folder, "catalogs.json")), StoriesJson.Options)!;
        Assert.True(all.Cases.Count > 50);
        foreach (var c in all.Cases)
            Same(c.Expect, Catalog.FindFault(c.Record, Convert.FromHexString(all.ServiceKey), all.Deployment, all.Cell, At(all.Now), out _), c.Name);
        // A fault that no case has is one that a port may forget.
        Assert.Empty(Enum.GetValues<CatalogFault>().Except(all.Cases.Select(c => c.Expect).OfType<CatalogFault>()));
    }

    [Fact]
    public void Records_have_the_faults_that_the_vectors_say() => Each<RecordCase>("records.json", "cases", (c, name) =>
    {
        Same(c.Expect, c.Record.FindFault(c.Duration is { } ms ? TimeSpan.FromMilliseconds(ms) : null, c.Offered, At(c.Now)), name);
        Same((c.IsLate, c.IsLateAfterTwoDays), (c.Record.IsLate(At(c.Now)), c.Record.IsLate(At(c.Now).AddDays(2))), name);
    });

    [Fact]
    public void They_are_what_their_generator_writes()
    {
        var folder = Directory.CreateTempSubdirectory("stories-vectors-").FullName;
        try
        {
            using var node = Process.Start("node", [Path.Combine(Folder, "generate.mjs"), folder]);
            node.WaitForExit();
            Assert.Equal(0, node.ExitCode);
            var names = Directory.EnumerateFiles(Folder, "*.json").Select(f => Path.GetFileName(f)).Order().ToArray();
            Assert.Equal(names, Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)).Order());
            foreach (var name in names) Assert.True(File.ReadAllText(Path.Combine(Folder, name)) == File.ReadAllText(Path.Combine(folder, name)), $"{name} is not what generate.mjs writes");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Each of them, and there are some.</summary>
    private static void Each<T>(string file, string property, Action<T, string> check)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, file)));
        var cases = json.RootElement.GetProperty(property).EnumerateArray().ToArray();
        Assert.NotEmpty(cases);
        foreach (var one in cases) check(one.Deserialize<T>(StoriesJson.Options)!, one.TryGetProperty("name", out var name) ? name.GetString()! : one.ToString());
    }

    private static void Same<T>(T expected, T actual, string name) => Assert.True(Equals(expected, actual), $"{name}: {actual ?? (object)"nothing"} instead of {expected ?? (object)"nothing"}");

    private static string Json(AdLog log) => Encoding.UTF8.GetString(StoriesJson.Write(log));

    private static DateTimeOffset At(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

    private sealed record GateCase(AdPolicy Policy, AdSession Session, long[] Shown, int Thinning, long? DamagedAt, AdBoundary Boundary, long Now, GateReason Expect);

    private sealed record Owner(Guid Id, Guid Campaign, Guid Advertiser);

    private sealed record CapCase(Cap Cap, Owner Line, string Creative, AdShowing[] Shown, long Now, bool Expect);

    private sealed record LogarithmCase(ulong U, long Log);

    private sealed record DrawCase(string Seed, Guid Line, int Pass, long Log);

    private sealed record SeedCase(string Session, int Ads, string Seed);

    private sealed record SomeCreative(string Digest, bool AdultsOnly);

    private sealed record Pair(Guid Line, string Creative);

    private sealed record Choice(AdRefusal?[] Refusals, Pair? Chosen, Pair[] Prefetch);

    private sealed record ChoiceCase(
        CatalogLine[] Lines, SomeCreative[] Creatives, Cap[] PolicyCaps, int AdsApart, AgeBand Age, string? Country, string? Language, string[] Ready, AdShowing[] Shown,
        Guid[] HiddenLines, string[] HiddenCreatives, Guid[] HiddenAdvertisers, string Seed, long Now, Choice Expect);

    private sealed record FileCase(string File, bool IsWhole);

    private sealed record ChangeCase(string Change, AdLog Log, AdLog Expect, long Now, JsonElement Line, string? Creative, AdRecord? Record, Guid[]? Records)
    {
        public AdLog Apply() => Change switch
        {
            "prune" => Log.Prune(At(Now)),
            "show" => Log.Show(Ad(), Record! with { Ordinal = Log.NextOrdinal(Id("id")) }, At(Now)),
            "end" => Log.End(Record!),
            "accept" => Log.Accept(Records!.ToHashSet()),
            "hideAd" => Log.HideAd(Id("id"), Creative!),
            "hideAdvertiser" => Log.HideAdvertiser(Id("advertiser")),
            "seeLess" => Log.SeeLess(),
            "seeUsual" => Log.SeeUsual(),
            "countOpportunity" => Log.CountOpportunity(At(Now)),
            _ => throw new InvalidOperationException($"{Change} is no change"),
        };

        private Guid Id(string name) => Line.GetProperty(name).GetGuid();

        private ChosenAd Ad() => new(
            new CatalogLine(Id("id"), Id("campaign"), Id("advertiser"), Tier.Standard, 1, 64, [], [], Line.GetProperty("category").GetString(), [], [], [Creative!]),
            AdStage.Creative("x") with { Digest = Creative! });
    }

    private sealed record DueCase(PendingRecord Pending, long Now, bool Expect);

    private sealed record CatalogCase(string Name, SignedRecord Record, CatalogFault? Expect);

    private sealed record CatalogCases(string ServiceKey, string Deployment, Cell Cell, long Now, IReadOnlyList<CatalogCase> Cases);

    private sealed record RecordCase(AdRecord Record, long? Duration, CallToActionKind Offered, long Now, InvalidReason? Expect, bool IsLate, bool IsLateAfterTwoDays);
}
