using System.Net;
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
/// service knows their tokens; <c>first</c> is what it takes when each request brings a token of its own.
/// </summary>
internal static class CatalogBench
{
    private const int Requests = 10_000;
    private const int AtATime = 64;
    private const int Accounts = 64;
    private const int Lines = 50;
    private const int Rounds = 5;

    /// <summary>As long as a run may take.</summary>
    private const int Epochs = 12;

    private static readonly Cell Cell = new("chat-dev", Placement.Tray, "DE", "de", AgeBand.Unknown);

    public static async Task RunAsync()
    {
        await using var database = NpgsqlDataSource.Create(Bench.Configuration["ConnectionStrings:Stories"]!);
        await StoreAsync(database);
        var tokens = new List<string>();
        for (var account = 0; account < Accounts; account++) tokens.Add(await MintToken.MintAsync(Bench.Configuration, Cell.App, $"catalog-{Environment.ProcessId}-{account}", "stories.view"));
        using var service = Client(Session.Service());
        var (body, tag) = await ReadAsync(service, tokens[0]);
        using var bare = await BareCatalog.StartAsync(body, tag.ToString(), app: null);
        using var verifying = await BareCatalog.StartAsync(body, tag.ToString(), Cell.App);
        using var other = Client(bare.Address);
        using var asking = Client(verifying.Address);
        Console.WriteLine($"{body.Length:#,0} bytes, {Requests:#,0} requests, {AtATime} at a time");

        var ratios = new List<double>();
        var fresh = new List<string>();
        async Task MintAsync()
        {
            fresh.Clear();
            for (var i = 0; i < Requests; i++) fresh.Add(await MintToken.MintAsync(Bench.Configuration, Cell.App, $"catalog-{Guid.NewGuid():N}", "stories.view"));
        }
        await MintAsync();
        await Measure.CompareAsync("catalog:first", 1, MintAsync, new Way("service: token, cell, tag", () => AskAsync(service, fresh, tag, HttpStatusCode.NotModified, 0)),
            new Way("bare Kestrel that verifies the same tokens", () => AskAsync(asking, fresh, tag, HttpStatusCode.NotModified, 0)));
        foreach (var (name, ifNone, expected) in new[] { ("catalog:tag", tag, HttpStatusCode.NotModified), ("catalog:whole", null, HttpStatusCode.OK) })
        {
            Task Ask(HttpClient http) => AskAsync(http, tokens, ifNone, expected, body.Length);
            ratios.Add(await Measure.CompareAsync($"{name}:verified", Rounds, new Way("service: token, cell, tag", () => Ask(service)), new Way("bare Kestrel that verifies the same tokens", () => Ask(asking))));
            ratios.Add(await Measure.CompareAsync(name, Rounds, new Way("service: token, cell, tag", () => Ask(service)), new Way("bare Kestrel that asks nobody", () => Ask(other))));
        }
        Console.WriteLine($"RESULT catalog {ratios.Min():0.00}");
    }

    private static async Task AskAsync(HttpClient http, List<string> tokens, EntityTagHeaderValue? tag, HttpStatusCode expected, int length)
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, Requests), new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (i, cancellationToken) =>
        {
            using var request = Request(tokens[i % tokens.Count], tag);
            using var answer = await http.SendAsync(request, cancellationToken);
            var bytes = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
            // An epoch that ends in a round makes another tag, and the round another one's.
            if (answer.StatusCode != expected || bytes.Length != (expected == HttpStatusCode.OK ? length : 0)) throw new InvalidOperationException($"{(int)answer.StatusCode} with {bytes.Length} bytes. If an epoch has just ended: try again.");
        });
    }

    private static async Task<(byte[] Body, EntityTagHeaderValue Tag)> ReadAsync(HttpClient http, string token)
    {
        using var request = Request(token, null);
        using var answer = await http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadAsByteArrayAsync(), answer.Headers.ETag!);
    }

    private static HttpRequestMessage Request(string token, EntityTagHeaderValue? tag)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "v1/ads/catalog?placement=tray&country=DE&language=de&age=unknown");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (tag is not null) request.Headers.IfNoneMatch.Add(tag);
        return request;
    }

    private static HttpClient Client(Uri address) => new(new SocketsHttpHandler { MaxConnectionsPerServer = AtATime }) { BaseAddress = address };

    /// <summary>As a planner would have stored it, for this epoch and some more; the Api hands bytes out and asks nothing of them.</summary>
    private static async Task StoreAsync(NpgsqlDataSource database)
    {
        using var key = SigningKey.Generate();
        var first = Catalog.EpochAt(TimeProvider.System.GetUtcNow());
        for (var i = 0; i < Epochs; i++)
        {
            var epoch = first + i * Catalog.EpochSeconds;
            var creatives = Enumerable.Range(0, Lines).Select(Creative).ToList();
            var lines = creatives.Select(c => new CatalogLine(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Tier.Standard, 100, 32, [new Window(epoch, epoch + 86_400)], [new Cap(CapLevel.Line, 2, 86_400)], null, [], [], [c.Digest])).ToList();
            var bytes = StoriesJson.Write(new Catalog("bench", Cell, epoch, new AdPolicy(), lines, creatives));
            await using var insert = database.CreateCommand("insert into catalogs (cell, epoch, revision, bytes, signature, key, lines, is_dropped) values ($1, $2, 1000, $3, $4, $5, $6, false)");
            insert.Parameters.Add(new() { Value = Cell.ToString() });
            insert.Parameters.Add(new() { Value = epoch });
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
