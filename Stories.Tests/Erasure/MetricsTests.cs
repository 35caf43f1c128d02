using System.Globalization;
using System.Text.RegularExpressions;
using Azure.Storage.Blobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Erasure;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>A real worker, scraped as Prometheus does it: meters are a process's, in which there are other hosts here.</summary>
public sealed partial class MetricsTests(LocalServers servers)
{
    private static readonly string[] AskedOfTheDatabase = ["stories_erasure_lag_longest_seconds", "stories_erasure_overdue", "stories_erasure_overdue_oldest_seconds"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_shows_what_it_erased_how_long_it_took_and_what_is_overdue_and_names_nobody()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("canary-user");
        var erased = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(10), caption: "canary-caption", cancellationToken: Cancel);
        await service.ProcessAsync(erased.Story, Cancel);
        var held = await alice.PostAsync([], caption: "canary-caption", lifetime: TimeSpan.FromMinutes(20), cancellationToken: Cancel);
        var container = service.Worker.GetRequiredService<BlobServiceClient>().GetBlobContainerClient(await ContainerAsync(service, held.Ticket!.Bucket));
        var lease = new Azure.Storage.Blobs.Specialized.BlobLeaseClient(container);
        await lease.AcquireAsync(TimeSpan.FromSeconds(-1), cancellationToken: Cancel);
        await service.EndBucketsAsync(Cancel, at: TimeSpan.FromSeconds(-3), only: erased.Ticket!.Bucket);
        await service.EndBucketsAsync(Cancel, at: TimeSpan.FromMinutes(-10), only: held.Ticket.Bucket);

        await using var worker = service.StartProcess("Worker");
        await service.UntilAsync(db => db.Buckets.AnyAsync(b => b.Id == erased.Ticket.Bucket && b.State == BucketState.Erased, Cancel));
        var row = await service.ReadAsync(db => db.Buckets.AsNoTracking().SingleAsync(b => b.Id == erased.Ticket.Bucket, Cancel));
        var (text, metrics) = await ScrapeAsync(worker, until: found => found.GetValueOrDefault("stories_erasure_lag_seconds_count") == 1);

        Assert.Equal((1, 2, row.Bytes), (metrics["stories_erasure_stories_total"], metrics["stories_erasure_blobs_total"], metrics["stories_erasure_bytes_total"]));
        Assert.Equal(row.Lag!.Value.TotalSeconds, metrics["stories_erasure_lag_seconds_sum"], 3);
        Assert.Equal(1, metrics["stories_erasure_overdue"]);
        Assert.InRange(metrics["stories_erasure_overdue_oldest_seconds"], 600, 900);
        string[] secrets = ["canary", erased.Story.ToString(), held.Story.ToString(), row.Id.ToString(), row.Container, "127.0.0.1", service.Settings["Blobs:Deployment"]!];
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase));
        Assert.All(Label().Matches(text).Select(m => m.Groups[1].Value).Distinct(),
            label => Assert.Contains(label, new[] { "le", "otel_scope_name", "service_name", "service_instance_id", "telemetry_sdk_name", "telemetry_sdk_language", "telemetry_sdk_version" }));

        await lease.BreakAsync(TimeSpan.Zero, cancellationToken: Cancel);
        await service.UntilAsync(db => db.Buckets.AllAsync(b => b.State == BucketState.Erased, Cancel));
        (_, metrics) = await ScrapeAsync(worker, until: found => found.GetValueOrDefault("stories_erasure_lag_seconds_count") == 2);
        Assert.Equal((2, 0, 0), (metrics["stories_erasure_stories_total"], metrics["stories_erasure_overdue"], metrics["stories_erasure_overdue_oldest_seconds"]));
    }

    [Fact]
    public async Task What_only_the_database_knows_is_missing_while_it_is_away_and_comes_back_with_it()
    {
        await using var database = FaultProxy.Before(servers.PostgresPort);
        await using var service = await Service.StartAsync(servers, toDatabase: database);
        var alice = service.User("alice");
        await alice.PostAsync([], caption: "words", lifetime: TimeSpan.FromMinutes(10), cancellationToken: Cancel);
        var held = await alice.PostAsync([], caption: "words", lifetime: TimeSpan.FromMinutes(20), cancellationToken: Cancel);
        var container = service.Worker.GetRequiredService<BlobServiceClient>().GetBlobContainerClient(await ContainerAsync(service, held.Ticket!.Bucket));
        await new Azure.Storage.Blobs.Specialized.BlobLeaseClient(container).AcquireAsync(TimeSpan.FromSeconds(-1), cancellationToken: Cancel);
        await service.EndBucketsAsync(Cancel, at: TimeSpan.FromMinutes(-10));
        await using var worker = service.StartProcess("Worker");
        await ScrapeAsync(worker, until: found => found.GetValueOrDefault("stories_erasure_overdue") == 1 && found.GetValueOrDefault("stories_erasure_lag_seconds_count") == 1);

        database.Fault = new Fault { IsRefusing = true };
        database.Cut();
        var (_, metrics) = await ScrapeAsync(worker, until: found => !AskedOfTheDatabase.Any(found.ContainsKey));
        // The page is there, with what the worker knows by itself.
        Assert.Equal(1, metrics["stories_erasure_stories_total"]);

        database.Fault = Fault.None;
        (_, metrics) = await ScrapeAsync(worker, until: found => AskedOfTheDatabase.All(found.ContainsKey));
        Assert.Equal(1, metrics["stories_erasure_overdue"]);
        Assert.InRange(metrics["stories_erasure_overdue_oldest_seconds"], 600, 900);
    }

    [Fact]
    public async Task Every_instrument_is_in_the_documentation()
    {
        await using var service = await Service.StartAsync(servers);
        await service.User("alice").PostAsync([], caption: "words", lifetime: TimeSpan.FromMinutes(10), cancellationToken: Cancel);
        await service.EndBucketsAsync(Cancel, at: TimeSpan.FromSeconds(-1));
        await using var worker = service.StartProcess("Worker");
        var (text, _) = await ScrapeAsync(worker, until: found => found.GetValueOrDefault("stories_erasure_lag_seconds_count") == 1);
        var shown = Named().Matches(text).Select(m => m.Groups[1].Value).Where(name => name != "target_info").Order().ToList();
        var documented = Documented().Matches(await File.ReadAllTextAsync(Repository.Path("docs", "operations.md"), Cancel)).Select(m => m.Groups[1].Value).Order().ToList();
        Assert.Equal(documented, shown);
        Assert.Equal(12, shown.Count);
    }

    /// <summary>Counting comes right after the commit that a row shows, and the exporter gives the same page for a moment.</summary>
    private static async Task<(string Text, Dictionary<string, double> Metrics)> ScrapeAsync(ChildProcess worker, Func<Dictionary<string, double>, bool> until)
    {
        await worker.WaitUntilLiveAsync(Cancel);
        using var http = new HttpClient { BaseAddress = worker.Address };
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var text = await http.GetStringAsync("metrics", Cancel);
            var metrics = Sample().Matches(text).DistinctBy(m => m.Groups[1].Value).ToDictionary(m => m.Groups[1].Value, m => double.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture));
            if (until(metrics)) return (text, metrics);
            Assert.True(TimeProvider.System.GetElapsedTime(begin) < TimeSpan.FromSeconds(60), text);
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Cancel);
        }
    }

    private static Task<string> ContainerAsync(Service service, Guid bucket) => service.ReadAsync(db => db.Buckets.Where(b => b.Id == bucket).Select(b => b.Container).SingleAsync(Cancel));

    [GeneratedRegex(@"^(\w+)(?:\{[^}]*\})? ([0-9.eE+-]+)", RegexOptions.Multiline)]
    private static partial Regex Sample();

    [GeneratedRegex(@"[{,](\w+)=""")]
    private static partial Regex Label();

    [GeneratedRegex(@"^# TYPE (\w+)", RegexOptions.Multiline)]
    private static partial Regex Named();

    [GeneratedRegex(@"^\| `(stories_\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex Documented();
}
