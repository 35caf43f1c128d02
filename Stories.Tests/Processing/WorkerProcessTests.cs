using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Hangfire;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Tests.Media;

namespace Stories.Tests.Processing;

/// <summary>Workers as real processes: killed, stopped, misconfigured. Here real seconds count: leases, Hangfire's and the kernel's.</summary>
public sealed class WorkerProcessTests(LocalServers servers, LongVideo video) : IClassFixture<LongVideo>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("process:claimed")]
    [InlineData("process:rendered")]
    [InlineData("process:uploaded")]
    [InlineData("process:published")]
    public async Task A_worker_killed_in_the_middle_leaves_one_live_story_to_the_next(string at)
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var story = (await alice.PostAsync([Samples.CompliantVideo], cancellationToken: Cancel)).Story;
        await using (var doomed = service.StartProcess("Worker", ("STORIES_CRASH_AT", at)))
            Assert.Equal(128 + 9, await doomed.WaitForEndAsync(Cancel).WaitAsync(Patience, Cancel));
        var killed = await ProcessStoryTests.StoryAsync(service, story);
        Assert.Equal((WorkState.Pending, 1), (killed.Work, killed.Attempt));
        await service.EndLeasesAsync(Cancel);

        await using var worker = service.StartProcess("Worker");
        // The input goes right after the work is done.
        await service.UntilAsync(async db => await db.Stories.AllAsync(s => s.Work == WorkState.Done, Cancel) && await db.Uploads.AllAsync(u => u.BytesGoneAt != null, Cancel));

        var row = await ProcessStoryTests.StoryAsync(service, story);
        Assert.Equal((StoryState.Live, 2), (row.State, row.Attempt));
        var opened = await alice.Viewer.OpenAsync(story, Cancel);
        Assert.Equal(["poster", "video-240", "video-480", "video-source"], opened.Renditions!.Renditions.Select(r => r.Name).Order(StringComparer.Ordinal));
        // What was published before stays as it was, under its number.
        Assert.Equal([1, 2, 3, 4], opened.Renditions.Renditions.Select(r => r.Part));
        foreach (var rendition in opened.Renditions.Renditions)
        {
            using var content = new MemoryStream();
            await alice.Viewer.DownloadAsync(opened, rendition, content, Cancel);
        }
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Empty(Remains.ScratchFiles(service));
    }

    [Fact]
    public async Task A_photo_whose_worker_was_killed_right_after_publishing_is_not_made_again()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.Photo], cancellationToken: Cancel)).Story;
        await using (var doomed = service.StartProcess("Worker", ("STORIES_CRASH_AT", "process:published")))
            Assert.Equal(128 + 9, await doomed.WaitForEndAsync(Cancel).WaitAsync(Patience, Cancel));
        var published = await Remains.PublishedAsync(service);
        Assert.Single(await Remains.IngestAsync(service));
        await service.EndLeasesAsync(Cancel);

        await service.ProcessAsync(story, Cancel);

        var row = await ProcessStoryTests.StoryAsync(service, story);
        Assert.Equal((StoryState.Live, WorkState.Done, 1, 2), (row.State, row.Work, row.Revision, row.Attempt));
        Assert.Equal(published, await Remains.PublishedAsync(service));
        Assert.Empty(await Remains.IngestAsync(service));
    }

    [Fact]
    public async Task A_worker_killed_in_mid_transcode_leaves_no_child()
    {
        await using var service = await Service.StartAsync(servers);
        await PostLongVideoAsync(service);
        await using var worker = service.StartProcess("Worker");
        await UntilTranscodingAsync(worker);

        await worker.KillAsync(Cancel);

        await worker.AssertNoDescendantsAsync(TimeSpan.FromSeconds(5), Cancel);
    }

    [Fact]
    public async Task A_worker_stopped_in_mid_transcode_gives_the_work_back_unused_within_five_seconds()
    {
        await using var service = await Service.StartAsync(servers);
        var story = await PostLongVideoAsync(service);
        await using var worker = service.StartProcess("Worker");
        var decoder = await UntilTranscodingAsync(worker);

        var stopping = worker.StopAsync(Cancel);
        await AssertGoneWithinFiveSecondsAsync(decoder);
        Assert.Equal(0, await stopping);
        // The launcher's watcher looks once a second.
        await worker.AssertNoDescendantsAsync(TimeSpan.FromSeconds(2), Cancel);

        var row = await ProcessStoryTests.StoryAsync(service, story);
        Assert.Equal((WorkState.Pending, 0, null), (row.Work, row.Attempt, row.ClaimedUntil));
        Assert.Single(await Remains.IngestAsync(service));
        Assert.Empty(await Remains.RenditionsAsync(service));
        Assert.Empty(Remains.ScratchFiles(service));
        // Hangfire has it in its queue again, and counts no retry.
        Assert.Equal(1L, await ScalarAsync(service, "select count(*) from hangfire.jobqueue where queue = 'video' and fetchedat is null"));
        Assert.Equal(0L, await ScalarAsync(service, "select count(*) from hangfire.jobparameter where name = 'RetryCount'"));
    }

    [Fact]
    public async Task A_withdrawn_storys_decoder_is_gone_within_five_seconds()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var story = await PostLongVideoAsync(service);
        await using var worker = service.StartProcess("Worker");
        var decoder = await UntilTranscodingAsync(worker);

        await alice.Client.WithdrawAsync(story, Cancel);

        await AssertGoneWithinFiveSecondsAsync(decoder);
        await service.UntilAsync(_ => Task.FromResult(Remains.ScratchFiles(service).Count == 0));
        Assert.Empty(await Remains.RenditionsAsync(service));
        Assert.Empty(await Remains.IngestAsync(service));
    }

    [Fact]
    public async Task A_photo_posted_while_ten_videos_wait_is_live_before_the_second_of_them()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var videos = new List<Guid>();
        for (var i = 0; i < 10; i++) videos.Add((await alice.PostAsync([Samples.PhoneVideo], cancellationToken: Cancel)).Story);
        var photo = (await alice.PostAsync([Samples.Photo], cancellationToken: Cancel)).Story;
        // Who went live when, by the database itself: no watcher could miss an order.
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("""
            create table order_of_going_live (place bigint generated always as identity, story uuid);
            create function note() returns trigger language plpgsql as 'begin insert into order_of_going_live (story) values (new.id); return new; end';
            create trigger note after update of state on stories for each row when (new.state = 'Live' and old.state <> 'Live') execute function note();
            """, Cancel));

        await using var worker = service.StartProcess("Worker");
        await service.UntilAsync(async db => await db.Stories.CountAsync(s => s.State == StoryState.Live, Cancel) >= 3);

        var place = (long)(await ScalarAsync(service, $"select place from order_of_going_live where story = '{photo}'") ?? 99L);
        Assert.InRange(place, 1, 2);
    }

    [Fact]
    public async Task Hangfire_is_told_a_code_and_nothing_else()
    {
        await using var service = await Service.StartAsync(servers);
        await service.User("alice").PostAsync([Samples.Photo], cancellationToken: Cancel);
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table renditions add constraint canary_in_a_message check (false)", Cancel));
        // And a job whose first query fails.
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table buckets rename column container to canary_in_a_column", Cancel));
        await using (var scope = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.CreateAsyncScope(service.Worker))
        {
            var jobs = (Hangfire.IBackgroundJobClient)scope.ServiceProvider.GetService(typeof(Hangfire.IBackgroundJobClient))!;
            Hangfire.BackgroundJobClientExtensions.Enqueue<Core.Jobs.IEraseBucket>(jobs, job => job.RunAsync(Guid.NewGuid(), CancellationToken.None));
        }

        await using var worker = service.StartProcess("Worker");
        await service.UntilAsync(async _ => (long)(await ScalarAsync(service, "select count(*) from hangfire.state where reason like 'Retry attempt%'"))! >= 2);

        var told = (string)(await ScalarAsync(service, "select string_agg(concat(name, reason, data::text), ' ') from hangfire.state"))!;
        Assert.Contains("job.failed", told, StringComparison.Ordinal);
        foreach (var canary in new[] { "canary", "violates", "does not exist", "PostgresException", "Npgsql" })
        {
            Assert.DoesNotContain(canary, told, StringComparison.OrdinalIgnoreCase);
            if (canary is "canary" or "violates") Assert.DoesNotContain(canary, worker.Output, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task A_worker_that_can_touch_no_media_takes_no_turn_from_those_that_can()
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel)).Story;
        var jobs = service.Worker.GetRequiredService<JobStorage>().GetMonitoringApi();
        await using (var unable = service.StartProcess("Worker", ("Media__FfmpegFolder", "/nowhere")))
        {
            await service.UntilAsync(_ => Task.FromResult(jobs.Servers().Count > 0));
            await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, Cancel);
            Assert.Equal(Queues.Erase, Assert.Single(jobs.Servers()).Name.Split('@')[0]);
            Assert.Equal(1, jobs.EnqueuedCount(Queues.Photo));
            Assert.Equal(0, await unable.StopAsync(Cancel));
        }
        Assert.Equal((WorkState.Pending, 0), await service.ReadAsync(db => db.Stories.Select(s => new ValueTuple<WorkState, int>(s.Work, s.Attempt)).SingleAsync(Cancel)));
        await using var able = service.StartProcess("Worker");
        await service.UntilAsync(db => db.Stories.AllAsync(s => s.State == StoryState.Live, Cancel));
        Assert.Equal(StoryState.Live, (await ProcessStoryTests.StoryAsync(service, story)).State);
    }

    [Fact]
    public async Task A_worker_whose_walls_fall_while_it_runs_stops_its_lanes_and_another_makes_the_story()
    {
        var place = Directory.CreateTempSubdirectory("stories-falling-");
        await using var service = await Service.StartAsync(servers);
        var jobs = service.Worker.GetRequiredService<JobStorage>().GetMonitoringApi();
        await using (var falling = service.StartProcess("Worker", ("TMPDIR", place.FullName)))
        {
            await service.UntilAsync(_ => Task.FromResult(jobs.Servers().Count == 3));
            // A child that finds another libvips than it knows says so instead of being ready.
            SandboxTests.Break(Assert.Single(place.GetDirectories("stories-sandbox-*")).FullName, "/dotnet/dotnet /app/Stories.Worker.dll render-child", "/usr/bin/printf '\\022\\0\\0\\0libvips opens TIFF'");
            await service.User("alice").PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel);

            await service.UntilAsync(_ => Task.FromResult(jobs.Servers().Count == 1));
            Assert.Equal(Queues.Erase, jobs.Servers().Single().Name.Split('@')[0]);
            Assert.Equal((WorkState.Pending, 0), await service.ReadAsync(db => db.Stories.Select(s => new ValueTuple<WorkState, int>(s.Work, s.Attempt)).SingleAsync(Cancel)));
            Assert.Equal(0, await falling.StopAsync(Cancel));
        }
        await using var able = service.StartProcess("Worker");
        await service.UntilAsync(db => db.Stories.AllAsync(s => s.State == StoryState.Live, Cancel));
        place.Delete(recursive: true);
    }

    [Fact]
    public async Task A_ready_worker_says_what_it_checked_and_an_unready_one_what_to_do()
    {
        await using var service = await Service.StartAsync(servers);
        await using var worker = service.StartProcess("Worker");
        await worker.WaitUntilReadyAsync(Cancel);
        using var http = new HttpClient { BaseAddress = worker.Address };

        var ready = await http.GetFromJsonAsync<JsonElement>("health/ready", Cancel);
        Assert.Equal(["ads", "audit", "database", "erasure", "keys", "retention", "sandbox", "storage"], ready.GetProperty("checks").EnumerateArray().Select(c => c.GetProperty("name").GetString()).Order(StringComparer.Ordinal));

        Directory.Delete(service.KeyFolder, recursive: true);
        using var answer = await http.GetAsync("health/ready", Cancel);
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        var unready = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        var red = Assert.Single(unready.GetProperty("checks").EnumerateArray(), c => c.GetProperty("status").GetString() == "unhealthy");
        Assert.Equal("keys", red.GetProperty("name").GetString());
        Assert.Contains("Keys:Folder", red.GetProperty("fix").GetString(), StringComparison.Ordinal);
        Assert.Equal(System.Net.HttpStatusCode.OK, (await http.GetAsync("health/live", Cancel)).StatusCode);
    }

    [Fact]
    public async Task A_refused_start_prints_what_to_do_and_nothing_else()
    {
        await using var service = await Service.StartAsync(servers);
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("delete from \"__EFMigrationsHistory\"", Cancel));

        await using var worker = service.StartProcess("Worker", ("Logging__LogLevel__Default", "Warning"));

        Assert.Equal(1, await worker.WaitForEndAsync(Cancel).WaitAsync(Patience, Cancel));
        Assert.Equal("The database's schema is older than this program. Run: ./stories migrate", worker.Output.Trim());
    }

    [Fact]
    public async Task A_worker_whose_signing_key_others_can_read_does_not_start()
    {
        await using var service = await Service.StartAsync(servers);
        File.SetUnixFileMode(Path.Combine(service.KeyFolder, "service-key"), UnixFileMode.UserRead | UnixFileMode.GroupRead);

        await using var worker = service.StartProcess("Worker", ("Logging__LogLevel__Default", "Warning"));

        Assert.Equal(1, await worker.WaitForEndAsync(Cancel).WaitAsync(Patience, Cancel));
        Assert.StartsWith("The key file service-key in Keys:Folder can be read by other users.", worker.Output, StringComparison.Ordinal);
    }

    private async Task<Guid> PostLongVideoAsync(Service service) => (await service.User("alice").PostAsync([video.File], cancellationToken: Cancel)).Story;

    private static async Task<LiveProcess> UntilTranscodingAsync(ChildProcess worker)
    {
        var begin = Stopwatch.GetTimestamp();
        while (true)
        {
            var decoder = worker.Descendants().FirstOrDefault(IsTranscoding);
            if (decoder.Id != 0) return decoder;
            Assert.True(Stopwatch.GetElapsedTime(begin) < Patience, worker.Output);
            await PauseAsync();
        }
    }

    /// <summary>The decoder itself: its launcher has the same name, and is called for smaller things too.</summary>
    private static bool IsTranscoding(LiveProcess process)
    {
        try
        {
            var command = File.ReadAllText($"/proc/{process.Id}/cmdline").Split('\0');
            return command[0] == "/usr/bin/ffmpeg" && command.Contains("-filter_complex");
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task AssertGoneWithinFiveSecondsAsync(LiveProcess decoder)
    {
        var begin = Stopwatch.GetTimestamp();
        while (decoder.IsAlive && Stopwatch.GetElapsedTime(begin) < Patience) await PauseAsync();
        Assert.InRange(Stopwatch.GetElapsedTime(begin), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    /// <summary>Between two looks at another process, which has no event for us.</summary>
    private static Task PauseAsync() => Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancel);

    private static async Task<object?> ScalarAsync(Service service, string sql)
    {
        await using var connection = new NpgsqlConnection(service.Database);
        await connection.OpenAsync(Cancel);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancel);
    }
}
