using System.Net.Http.Headers;
using Npgsql;
using Stories.Api.Operating;
using Stories.Client.Sessions;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Bench;

/// <summary>
/// A cell's catalog as many devices ask for it: with its tag, which answers 304, and whole. Beside a bare Kestrel in a process of its own that has
/// the same bytes and tag in memory, once asking nobody who it is and once verifying the same tokens. 64 accounts ask again and again, so that the
/// service knows their tokens; <c>first</c> is what it takes when each request brings a token of its own. Asked by wrk, which leaves the processors to them.
/// </summary>
internal static class CatalogBench
{
    /// <summary>More than can be asked for in a round.</summary>
    private const int Newcomers = 20_000;

    private const int Accounts = 64;
    private const int Lines = 50;

    /// <summary>Of a second each. A single one is off by a quarter on a machine with neighbours; what is several times apart needs fewer.</summary>
    private const int Rounds = 61;
    private const int RoundsFarApart = 7;

    /// <summary>As long as a run may take.</summary>
    private const int Epochs = 12;

    private const string Route = "v1/ads/catalog?placement=tray&country=DE&language=de&age=unknown";

    private static readonly Cell Cell = new("chat-dev", Placement.Tray, "DE", "de", AgeBand.Unknown);

    public static async Task RunAsync()
    {
        await using var database = NpgsqlDataSource.Create(Bench.Configuration["ConnectionStrings:Stories"]!);
        await StoreAsync(database);
        var tokens = new List<string>();
        for (var account = 0; account < Accounts; account++) tokens.Add(await MintToken.MintAsync(Bench.Configuration, Cell.App, $"catalog-{Environment.ProcessId}-{account}", "stories.view"));
        using var service = new HttpClient { BaseAddress = Session.Service() };
        var (body, tag) = await ReadAsync(service, tokens[0]);
        using var bare = await BareCatalog.StartAsync(body, tag.ToString(), app: null);
        using var verifying = await BareCatalog.StartAsync(body, tag.ToString(), Cell.App);
        Console.WriteLine($"{body.Length:#,0} bytes, {Load.AtATime} requests at a time, seconds for 10,000 of them");

        var ratios = new List<double>();
        Load newcomers = null!;
        async Task MintAsync()
        {
            var fresh = new List<string>();
            while (fresh.Count < Newcomers) fresh.Add(await MintToken.MintAsync(Bench.Configuration, Cell.App, $"catalog-{Guid.NewGuid():N}", "stories.view"));
            newcomers = new Load(Route, fresh, tag.ToString(), 0);
        }
        await MintAsync();
        await Measure.CompareAsync("catalog:first", 3, MintAsync, new Way("service: token, cell, tag", () => newcomers.RunAsync(Session.Service())),
            new Way("bare Kestrel that verifies the same tokens", () => newcomers.RunAsync(verifying.Address)));
        foreach (var (name, load) in new[] { ("catalog:tag", new Load(Route, tokens, tag.ToString(), 0)), ("catalog:whole", new Load(Route, tokens, null, body.Length)) })
        {
            var ours = new Way("service: token, cell, tag", () => load.RunAsync(Session.Service()));
            ratios.Add(await Measure.CompareAsync($"{name}:verified", RoundsFarApart, ours, new Way("bare Kestrel that verifies the same tokens", () => load.RunAsync(verifying.Address))));
            ratios.Add(await Measure.CompareAsync(name, Rounds, ours, new Way("bare Kestrel that asks nobody", () => load.RunAsync(bare.Address))));
        }
        Console.WriteLine($"RESULT catalog {ratios.Min():0.00}");
    }

    private static async Task<(byte[] Body, EntityTagHeaderValue Tag)> ReadAsync(HttpClient http, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Route);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadAsByteArrayAsync(), answer.Headers.ETag!);
    }

    /// <summary>As a planner would have stored it, but the same in all epochs, so that a round may cross one's end; the Api hands bytes out and asks nothing of them.</summary>
    private static async Task StoreAsync(NpgsqlDataSource database)
    {
        using var key = SigningKey.Generate();
        var first = Catalog.EpochAt(TimeProvider.System.GetUtcNow());
        var creatives = Enumerable.Range(0, Lines).Select(Creative).ToList();
        var lines = creatives.Select(c => new CatalogLine(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Tier.Standard, 100, 32, [new Window(first, first + 86_400)], [new Cap(CapLevel.Line, 2, 86_400)], null, [], [], [c.Digest])).ToList();
        var bytes = StoriesJson.Write(new Catalog("bench", Cell, first, new AdPolicy(), lines, creatives));
        for (var i = 0; i < Epochs; i++)
        {
            await using var insert = database.CreateCommand("insert into catalogs (cell, epoch, revision, bytes, signature, key, lines, is_dropped) values ($1, $2, 1000, $3, $4, $5, $6, false)");
            insert.Parameters.Add(new() { Value = Cell.ToString() });
            insert.Parameters.Add(new() { Value = first + i * Catalog.EpochSeconds });
            insert.Parameters.Add(new() { Value = bytes });
            insert.Parameters.Add(new() { Value = key.Sign(SignaturePurpose.Catalog, bytes) });
            insert.Parameters.Add(new() { Value = key.Id });
            insert.Parameters.Add(new() { Value = lines.Select(l => l.Id).ToArray() });
            await insert.ExecuteNonQueryAsync();
        }
    }

    private static CatalogCreative Creative(int number)
    {
        var file = new CreativeMedia("photo-1080", "image/webp", null, 1080, 1920, null, Digest.Of(BitConverter.GetBytes(number)));
        var facts = new CreativeFacts("Sponsored", "Brand", "Headline", "Brand", "Brand", "A picture", "en", CallToAction.None, new Disclosures());
        return new CatalogCreative(new CreativeContent(facts, [file]).Digest, facts, [new CatalogMedia(file, $"https://storage.test/{file.Blob.Sha256}?sv=2026-06-06&sig={file.Blob.Sha256}")], "Brand", "Everybody.");
    }
}
