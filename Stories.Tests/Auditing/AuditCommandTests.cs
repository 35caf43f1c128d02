using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Blobs;
using Stories.Core.Erasure;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Worker.Auditing;

namespace Stories.Tests.Auditing;

/// <summary>What an operator types: as a process of its own, beside hosts or alone.</summary>
public sealed class AuditCommandTests(LocalServers servers)
{
    private static readonly TimeSpan LongAgo = TimeSpan.FromHours(3);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_prints_a_table_and_its_code_says_whether_anything_is_left_to_do()
    {
        await using var service = await Service.StartAsync(servers);
        var rig = new AuditRig(service);
        var ended = await rig.PlantBucketAsync(LongAgo);

        var (looked, table) = await RunAsync(service);
        Assert.Equal(1, looked);
        Assert.Matches("""check +looked at +found +oldest +repaired""", table);
        Assert.Matches("""containers of no bucket +1 +1 +0\.03:00:\d\d +0""", table);
        Assert.Matches("""keys past their life +2 +0 +0""", table);
        Assert.True(await ended.ExistsAsync(Cancel));

        var (repaired, after) = await RunAsync(service, "--repair");
        Assert.Equal(0, repaired);
        Assert.Matches("""containers of no bucket +1 +1 +0\.03:00:\d\d +1""", after);
        Assert.False(await ended.ExistsAsync(Cancel));
        Assert.Equal(0, (await RunAsync(service)).Code);
    }

    [Fact]
    public async Task A_worker_audits_by_itself()
    {
        await using var service = await Service.StartAsync(servers);
        var rig = new AuditRig(service);
        var ended = await rig.PlantBucketAsync(LongAgo);
        var stranger = await rig.PlantContainerAsync(BlobNames.Bucket("x" + rig.Deployment, service.Clock.GetUtcNow() - LongAgo), "x" + rig.Deployment);

        await using var worker = service.StartProcess("Worker", ("Audit__Every", "00:00:01"));
        await service.UntilAsync(async _ => !await ended.ExistsAsync(Cancel));

        Assert.True(await stranger.ExistsAsync(Cancel));
        await stranger.DeleteAsync(cancellationToken: Cancel);
    }

    [Fact]
    public async Task It_repairs_too_much_only_when_it_is_told_to_repair_all()
    {
        await using var service = await Service.StartAsync(servers);
        var rig = new AuditRig(service);
        for (var i = 0; i < 11; i++) await rig.PlantBucketAsync(LongAgo + TimeSpan.FromMinutes(i));

        var (refused, said) = await RunAsync(service, "--repair");
        Assert.Equal(1, refused);
        Assert.Contains("audit --repair --all", said, StringComparison.Ordinal);
        Assert.Equal((11, 0), AuditRig.Of(await rig.AuditAsync(), "containers of no bucket"));

        Assert.Equal(0, (await RunAsync(service, "--repair", "--all")).Code);
        Assert.Equal((0, 0), AuditRig.Of(await rig.AuditAsync(), "containers of no bucket"));
    }

    [Fact]
    public async Task It_leaves_scratch_of_the_living_and_of_the_dead_alone_when_it_only_looks()
    {
        await using var service = await Service.StartAsync(servers);
        var dead = Directory.CreateDirectory(Path.Combine(service.Settings["Media:ScratchFolder"]!, "stories-scratch-of-the-dead")).FullName;

        Assert.Matches("""scratch of the dead \(here\) +[12] +1 """, (await RunAsync(service)).Output);

        Assert.True(Directory.Exists(dead));
    }

    [Theory]
    [InlineData("--all")]
    [InlineData("not-a-story")]
    public async Task It_refuses_what_it_does_not_know(string argument)
    {
        await using var service = await Service.StartAsync(servers);
        var (code, output) = await RunAsync(service, argument);
        Assert.Equal(2, code);
        Assert.Contains("audit STORY", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_what_to_do_about_a_database_that_is_not_there_or_not_migrated()
    {
        await using var service = await Service.StartAsync(servers);
        var (old, said) = await service.RunAsync("Worker", ["audit"], Cancel, ("ConnectionStrings__Stories", await servers.CreateDatabaseAsync()));
        Assert.Equal(2, old);
        Assert.Contains("./stories migrate", said, StringComparison.Ordinal);
        var (missing, why) = await service.RunAsync("Worker", ["audit"], Cancel, ("ConnectionStrings__Stories", $"Host=127.0.0.1;Port={FreePort.Next()};Username=canary;Password=canary"));
        Assert.Equal(2, missing);
        Assert.StartsWith("PostgreSQL does not answer", why, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_where_anything_of_a_story_is_and_once_that_is_gone_nothing_everywhere()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("canary-alice");
        var story = (await alice.PostAsync([Samples.Photo], caption: "canary-caption", cancellationToken: Cancel)).Story;
        var waiting = await TraceAsync(service, story);
        Assert.Equal("there", waiting["ingest blob"]);
        Assert.Equal("nothing", waiting["renditions"]);

        await service.ProcessAsync(story, Cancel);
        await alice.Client.MarkSeenAsync(story, Cancel);
        await alice.Client.MarkSeenAsync((await PostProcessedAsync(service, alice)).Story, Cancel);
        var live = await TraceAsync(service, story);
        var bucket = await service.ReadAsync(db => db.Stories.Where(s => s.Id == story).Join(db.Buckets, s => s.BucketId, b => b.Id, (_, b) => b).SingleAsync(Cancel));
        Assert.StartsWith("Live, work Done, revision 1", live["stories"], StringComparison.Ordinal);
        Assert.Matches(@"^\d{4,} bytes$", live["its blob"]);
        Assert.Equal(("1 marks", "there", "nothing"), (live["seen"], live["its key"], live["ingest blob"]));
        Assert.Equal($"{bucket.Id}, container {bucket.Container}", live["bucket"]);
        Assert.Equal("nothing", live["hangfire.job"]);

        var (code, output) = await RunAsync(service, story.ToString());
        Assert.Equal(0, code);
        Assert.Matches("stories +Live", output);
        Assert.DoesNotContain("canary", output, StringComparison.OrdinalIgnoreCase);

        await service.LetEverythingEndAsync();
        Assert.All(await TraceAsync(service, story), place => Assert.Equal("nothing", place.Value));
        Assert.Equal(BucketState.Erased, await service.ReadAsync(db => db.Buckets.Where(b => b.Id == bucket.Id).Select(b => b.State).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task A_blob_that_is_missing_is_nothing_in_its_place()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var posted = await PostProcessedAsync(service, alice);
        var rig = new AuditRig(service);
        foreach (var blob in await service.ReadAsync(db => db.Renditions.Select(r => r.BlobName).ToListAsync(Cancel)))
            await service.Worker.GetRequiredService<BucketBlobs>().DeleteBlobAsync((await rig.BucketAsync()).Container, blob, Cancel);

        var places = await TraceAsync(service, posted.Story);

        Assert.Equal(("nothing", "there"), (places["its blob"], places["its key"]));
    }

    private static async Task<Stories.Protocol.Contracts.StoryProgress> PostProcessedAsync(Service service, UserSession author)
    {
        var posted = await author.PostAsync([Samples.Photo], level: Level.Clear, cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        return posted;
    }

    /// <summary>By place; of places that come more than once, the last.</summary>
    private static async Task<Dictionary<string, string>> TraceAsync(Service service, Guid story)
    {
        await using var scope = service.Worker.CreateAsyncScope();
        var places = new Dictionary<string, string>();
        foreach (var (place, what) in await scope.ServiceProvider.GetRequiredService<TraceStory>().RunAsync(story, Cancel)) places[place.Trim()] = what;
        return places;
    }

    private static Task<(int Code, string Output)> RunAsync(Service service, params string[] arguments) => service.RunAsync("Worker", ["audit", .. arguments], Cancel);
}
