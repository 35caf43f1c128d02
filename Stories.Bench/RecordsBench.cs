using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Stories.Api.Operating;
using Stories.Client.Sessions;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Bench;

/// <summary>
/// Records of sponsored statuses, by many accounts at once: token, quota and pool of the running service, beside a bare Kestrel that inserts
/// the same rows in one statement and asks nobody who it is, and beside that statement alone. All of them answer when it is on disk.
/// </summary>
internal static class RecordsBench
{
    private const int Accounts = 500;
    private const int AtATime = 64;
    private const int RecordsEach = 3;
    private const int Rounds = 5;

    public static async Task RunAsync()
    {
        await using var database = NpgsqlDataSource.Create(Bench.Configuration["ConnectionStrings:Stories"]!);
        await ExecuteAsync(database, "drop table if exists bench_records; create table bench_records (id uuid primary key, record jsonb not null)");
        await using var bare = await StartBareAsync(database);
        var accounts = new ConcurrentDictionary<string, string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, Accounts), async (i, _) =>
            accounts[$"{i}"] = await MintToken.MintAsync(Bench.Configuration, "chat-dev", $"records-{Environment.ProcessId}-{i}", "stories.view"));
        using var service = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = AtATime }) { BaseAddress = Session.Service() };
        using var other = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = AtATime }) { BaseAddress = new Uri(bare.Urls.Single()) };

        (string Name, Func<string, AdRecord[], Task> Send)[] ways =
        [
            ("service: token, quota, shuffled pool", (token, records) => PostAsync(service, token, records)),
            ("bare Kestrel, one insert of the same rows", (token, records) => PostAsync(other, token, records)),
            ("the insert alone", (_, records) => InsertAsync(database, records)),
        ];
        var results = ways.ToDictionary(w => w.Name, _ => new List<(double Rate, double P50, double P99)>());
        for (var round = 0; round <= Rounds; round++)
            foreach (var (name, send) in ways)
            {
                var result = await LoadAsync(accounts.Values, send);
                if (round > 0) results[name].Add(result);
            }

        Console.WriteLine($"{"",-42} {"records/s",10} {"p50 ms",8} {"p99 ms",8}   medians of {Rounds} rounds after one to warm up; {AtATime} at a time, {RecordsEach} records each");
        foreach (var (name, rounds) in results) Console.WriteLine($"{name,-42} {Median(rounds, r => r.Rate),10:0} {Median(rounds, r => r.P50),8:0.0} {Median(rounds, r => r.P99),8:0.0}");
        await ExecuteAsync(database, "drop table bench_records");
        Console.WriteLine($"RESULT records {Median(results[ways[0].Name], r => r.Rate) / Median(results[ways[1].Name], r => r.Rate):0.00}");
    }

    private static async Task<(double Rate, double P50, double P99)> LoadAsync(ICollection<string> tokens, Func<string, AdRecord[], Task> send)
    {
        var times = new ConcurrentBag<double>();
        var watch = Stopwatch.StartNew();
        await Parallel.ForEachAsync(tokens.Concat(tokens), new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (token, _) =>
        {
            AdRecord[] records = [.. Enumerable.Range(0, RecordsEach).Select(_ => Record())];
            var began = Stopwatch.GetTimestamp();
            await send(token, records);
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        });
        var seconds = watch.Elapsed.TotalSeconds;
        var sorted = times.Order().ToList();
        return (sorted.Count * RecordsEach / seconds, sorted[sorted.Count / 2], sorted[sorted.Count * 99 / 100]);
    }

    private static async Task PostAsync(HttpClient http, string token, AdRecord[] records)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/ads/records") { Content = JsonContent.Create(new RecordsRequest(records), options: StoriesJson.Options) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
    }

    private static async Task InsertAsync(NpgsqlDataSource database, IReadOnlyList<AdRecord> records)
    {
        await using var insert = database.CreateCommand("insert into bench_records (id, record) select * from unnest($1, $2)");
        insert.Parameters.Add(new() { Value = records.Select(r => r.Id).ToArray() });
        insert.Parameters.Add(new() { Value = records.Select(r => System.Text.Encoding.UTF8.GetString(StoriesJson.Write(r))).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb });
        await insert.ExecuteNonQueryAsync();
    }

    private static async Task<WebApplication> StartBareAsync(NpgsqlDataSource database)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.ConfigureHttpJsonOptions(options => StoriesJson.Configure(options.SerializerOptions));
        var app = builder.Build();
        app.MapPost("/v1/ads/records", async (RecordsRequest request) =>
        {
            await InsertAsync(database, request.Records);
            return TypedResults.Accepted((string?)null, new RecordsAnswer([.. request.Records.Select(r => r.Id)], []));
        });
        await app.StartAsync();
        return app;
    }

    private static AdRecord Record() => new(
        Guid.NewGuid(), Guid.NewGuid(), Digest.Of("bench"u8.ToArray()).Sha256, "chat-dev/tray/DE/de/unknown", Catalog.EpochAt(TimeProvider.System.GetUtcNow()), AdRecord.HourOf(TimeProvider.System.GetUtcNow()),
        1, Quartile.Complete, DwellBucket.SixToFifteen, false, AdAction.None);

    private static double Median<T>(IEnumerable<T> values, Func<T, double> read) => values.Select(read).Order().ElementAt(values.Count() / 2);

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
