using System.Diagnostics;
using Azure.Storage.Blobs;
using Hangfire;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Stories.Core.Blobs;
using Stories.Core.Jobs;

namespace Stories.Bench;

/// <summary>
/// A bucket ends: by the job of a running worker, from its end until storage and database show nothing; beside deleting what is in it blob
/// by blob and row by row. And whether that takes longer the more is in it, and what viewers feel meanwhile.
/// </summary>
internal static class ExpiryBench
{
    private const int Most = 20_000;
    private const int BlobsEach = 3;
    private const int AtATime = 16;
    private const string Watched = "watched";
    private const int WatchedStories = 50;

    /// <summary>
    /// The yardstick deletes so small a part of what we do, and comes first: Azurite takes the longer for a blob the more there are or have
    /// been, and had not come to the end of 60,000 after ten minutes.
    /// </summary>
    private const int Part = 10;

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(2);

    public static async Task RunAsync()
    {
        using var bench = await Bench.StartAsync();
        await using var store = new Store(await bench.PostTextAsync());
        using var viewer = await WatchAsync(bench);
        await EraseAsync(store, await store.FillAsync(100));

        var each = await DeleteEachAsync(store, await store.FillAsync(Most / Part));
        Console.WriteLine($"{Most / Part,6} stories, each blob and row by itself, {AtATime} at a time: {each:0.00} s, and {Part} times that for {Most}");

        var seconds = new List<double>();
        foreach (var stories in new[] { 1, 1_000, Most })
        {
            var bucket = await store.FillAsync(stories);
            var before = await TrayAsync(viewer, Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, CancellationToken.None));
            var erasing = EraseAsync(store, bucket);
            var during = await TrayAsync(viewer, erasing);
            seconds.Add(await erasing);
            Console.WriteLine($"{stories,6} stories, {BlobsEach} blobs each: gone after {seconds[^1]:0.00} s, {seconds[^1] / seconds[0]:0.0} times one's; " +
                $"tray {Median(before):0.0} ms before, {Median(during):0.0} ms meanwhile ({Median(during) / Median(before):0.00}; p99 {P99(before):0.0} and {P99(during):0.0})");
        }
        Console.WriteLine($"RESULT expiry {Part * each / seconds[^1]:0.00}");
    }

    /// <summary>Somebody with a full tray, of which nothing ends.</summary>
    private static async Task<Bench> WatchAsync(Bench bench)
    {
        var viewer = await Bench.StartAsync("viewer");
        await bench.User.Audiences.FindOrFoundAsync(Watched);
        await bench.User.Audiences.ChangeAsync(Watched, [viewer.User.Self], []);
        for (var i = 0; i < WatchedStories; i++) await bench.PostTextAsync(Watched);
        return viewer;
    }

    private static async Task<double> EraseAsync(Store store, Filled bucket)
    {
        await store.ExecuteAsync("update buckets set ends_at = clock_timestamp() where id = $1", bucket.Id);
        var watch = Stopwatch.StartNew();
        store.Jobs.Enqueue<IEraseBucket>(job => job.RunAsync(bucket.Id, CancellationToken.None));
        while (!await store.IsGoneAsync(bucket)) await Task.Delay(Glance, TimeProvider.System, CancellationToken.None);
        return watch.Elapsed.TotalSeconds;
    }

    private static async Task<double> DeleteEachAsync(Store store, Filled bucket)
    {
        var watch = Stopwatch.StartNew();
        await Parallel.ForEachAsync(bucket.Blobs, new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (blob, _) => await store.Container(bucket).DeleteBlobIfExistsAsync(blob, cancellationToken: CancellationToken.None));
        await Parallel.ForEachAsync(bucket.Stories, new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (story, _) => await store.ExecuteAsync("delete from stories where id = $1", story));
        return watch.Elapsed.TotalSeconds;
    }

    /// <returns>Milliseconds of each question for as long as something else lasts.</returns>
    private static async Task<List<double>> TrayAsync(Bench bench, Task meanwhile)
    {
        var times = new List<double>();
        while (!meanwhile.IsCompleted || times.Count == 0)
        {
            var watch = Stopwatch.StartNew();
            var tray = await bench.User.Client.ShowTrayAsync();
            times.Add(watch.Elapsed.TotalMilliseconds);
            if (tray.Authors.Sum(author => author.Stories.Count) != WatchedStories) throw new InvalidOperationException("The tray does not show what it should.");
        }
        return times;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static double P99(List<double> values) => values.Order().ElementAt(values.Count * 99 / 100);

    private sealed record Filled(Guid Id, string Container, IReadOnlyList<Guid> Stories, IReadOnlyList<string> Blobs);

    /// <summary>Database and storage of the running service, into which stories are put without their long way in.</summary>
    private sealed class Store(Guid template) : IAsyncDisposable
    {
        private readonly NpgsqlDataSource database = NpgsqlDataSource.Create(Bench.Configuration["ConnectionStrings:Stories"]!);
        private readonly BlobServiceClient storage = new(Bench.Configuration["Blobs:ConnectionString"], new BlobClientOptions(BlobClientOptions.ServiceVersion.V2026_06_06));
        private readonly ServiceProvider services = new ServiceCollection().AddLogging().AddJobTables(Bench.Configuration["ConnectionStrings:Stories"]!).BuildServiceProvider();
        private int filled;

        public IBackgroundJobClient Jobs => services.GetRequiredService<IBackgroundJobClient>();

        public BlobContainerClient Container(Filled bucket) => storage.GetBlobContainerClient(bucket.Container);

        /// <summary>Rows as of a live story with one mark of a viewer; each blob a kilobyte.</summary>
        public async Task<Filled> FillAsync(int stories)
        {
            var endsAt = TimeProvider.System.GetUtcNow() + TimeSpan.FromDays(1) + TimeSpan.FromSeconds(filled++);
            var bucket = new Filled(
                Guid.NewGuid(), BlobNames.Bucket(Bench.Configuration["Blobs:Deployment"] ?? new BlobOptions().Deployment, endsAt),
                [.. Enumerable.Range(0, stories).Select(_ => Guid.NewGuid())], [.. Enumerable.Range(0, stories * BlobsEach).Select(_ => BlobNames.NewBlob())]);
            await Container(bucket).CreateAsync();
            var kilobyte = BinaryData.FromBytes(new byte[1024]);
            await Parallel.ForEachAsync(bucket.Blobs, new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (blob, _) => await Container(bucket).UploadBlobAsync(blob, kilobyte, CancellationToken.None));

            await ExecuteAsync("insert into buckets (id, ends_at, container, state, opened_at, stories, blobs, bytes) values ($1, $2, $3, 'Open', $2, 0, 0, 0)", bucket.Id, endsAt, bucket.Container);
            await ExecuteAsync("""
                insert into stories select (jsonb_populate_record(s, jsonb_build_object('id', n.id, 'bucket_id', $1, 'expires_at', $2, 'work_id', n.id))).*
                from stories s, unnest($3) as n(id) where s.id = $4
                """, bucket.Id, endsAt, bucket.Stories, template);
            await ExecuteAsync("insert into erasure_leaves (bucket_id, hash) select $1, sha256(convert_to(n.id::text, 'UTF8')) from unnest($2) as n(id)", bucket.Id, bucket.Stories);
            await ExecuteAsync("insert into seen (story_id, bucket_id, app, \"user\") select n.id, $1, 'chat-dev', 'viewer' from unnest($2) as n(id)", bucket.Id, bucket.Stories);
            await ExecuteAsync($"""
                insert into renditions (story_id, part, bucket_id, revision, blob_name, length)
                select ($2::uuid[])[(n.place - 1) / {BlobsEach} + 1], (n.place - 1) % {BlobsEach}, $1, 1, n.name, 1024 from unnest($3) with ordinality as n(name, place)
                """, bucket.Id, bucket.Stories, bucket.Blobs);
            await ExecuteAsync("analyze stories; analyze renditions; analyze seen; analyze erasure_leaves");
            return bucket;
        }

        public async Task<bool> IsGoneAsync(Filled bucket)
        {
            await using var command = database.CreateCommand("""
                select (select state from buckets where id = $1) = 'Erased' and not exists (select from stories where bucket_id = $1)
                    and not exists (select from renditions where bucket_id = $1) and not exists (select from seen where bucket_id = $1) and not exists (select from erasure_leaves where bucket_id = $1)
                """);
            command.Parameters.AddWithValue(bucket.Id);
            return (bool)(await command.ExecuteScalarAsync())! && !await Container(bucket).ExistsAsync();
        }

        public async Task ExecuteAsync(string sql, params object[] values)
        {
            await using var command = database.CreateCommand(sql);
            command.CommandTimeout = 300;
            foreach (var value in values) command.Parameters.AddWithValue(value is IReadOnlyList<Guid> ids ? ids.ToArray() : value is IReadOnlyList<string> names ? names.ToArray() : value);
            await command.ExecuteNonQueryAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await services.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
