using System.Diagnostics;
using System.Text.Json;
using Hangfire;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using Stories.Worker.Processing;

namespace Stories.Tests.Processing;

/// <summary>Whose story is worked on next: proven by order, turn by turn.</summary>
public sealed class TurnTests(LocalServers servers)
{
    private static readonly Dictionary<string, string?> ManyUploads = new() { ["Uploads:OpenPerUser"] = "100" };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Twenty_waiting_photos_of_one_user_hold_up_another_app_and_another_user_by_one_photo_each()
    {
        await using var service = await Service.StartAsync(servers, ManyUploads);
        var flood = new List<Guid>();
        for (var i = 0; i < 20; i++) flood.Add(await PostAsync(service, "alice"));
        var otherApp = await PostAsync(service, "bob", Service.PhotosApp);
        var otherUser = await PostAsync(service, "carol");

        for (var turn = 0; turn < 5; turn++) await service.TakeTurnAsync(Lane.Photo, cancellationToken: Cancel);

        Assert.Equal([flood[0], otherApp, otherUser, flood[1], flood[2]], await InOrderOfStartAsync(service));
        Assert.Equal(5, await service.ReadAsync(db => db.Stories.CountAsync(s => s.State == StoryState.Live, Cancel)));
    }

    [Fact]
    public async Task Ever_new_users_do_not_overtake_one_who_has_waited_longer()
    {
        await using var service = await Service.StartAsync(servers);
        var (first, second) = (await PostAsync(service, "alice"), await PostAsync(service, "alice"));
        await service.TakeTurnAsync(Lane.Photo, cancellationToken: Cancel);
        var newcomers = new[] { await PostAsync(service, "bob"), await PostAsync(service, "carol") };

        for (var turn = 0; turn < 3; turn++) await service.TakeTurnAsync(Lane.Photo, cancellationToken: Cancel);

        Assert.Equal([first, second, .. newcomers], await InOrderOfStartAsync(service));
    }

    [Fact]
    public async Task Two_workers_at_once_make_each_of_thirty_photos_once_in_thirty_turns()
    {
        await using var service = await Service.StartAsync(servers, ManyUploads);
        for (var i = 0; i < 30; i++) await PostAsync(service, i % 3 == 0 ? "bob" : "alice");
        var second = service.StartWorker();

        await Task.WhenAll(new[] { service.Worker, second }.Select(async worker =>
        {
            for (var turn = 0; turn < 15; turn++) await service.TakeTurnAsync(Lane.Photo, worker, Cancel);
        }));

        var rows = await service.ReadAsync(db => db.Stories.AsNoTracking().ToListAsync(Cancel));
        Assert.All(rows, row => Assert.Equal((WorkState.Done, StoryState.Live, 1, 1), (row.Work, row.State, row.Attempt, row.Revision)));
        Assert.Equal(60, await service.ReadAsync(db => db.Renditions.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Three_waiting_videos_are_all_live_before_lower_rungs_are_made_of_any()
    {
        await using var service = await Service.StartAsync(servers);
        var authors = new[] { "alice", "bob", "carol" }.Select(name => service.User(name)).ToList();
        var videos = new List<StoryProgress>();
        foreach (var author in authors) videos.Add(await author.PostAsync([Samples.CompliantVideo], cancellationToken: Cancel));
        await NoteRevisionsAsync(service);
        var percents = new List<int>();
        var following = authors[0].Poster.FollowAsync(videos[0], (_, percent) => percents.Add(percent), cancellationToken: Cancel);

        await service.TakeTurnAsync(Lane.Video, cancellationToken: Cancel);
        var stepped = await authors[0].Client.WatchProgressAsync(videos[0].Story, Cancel);
        Assert.Equal((StoryState.Live, 1, Stage.Waiting, 50), (stepped.State, stepped.Revision, stepped.Stage, stepped.Percent));
        Assert.Equal((WorkState.Pending, 0, null), await service.ReadAsync(db => db.Stories.Where(s => s.Id == videos[0].Story).Select(s => new ValueTuple<WorkState, int, DateTimeOffset?>(s.Work, s.Attempt, s.ClaimedUntil)).SingleAsync(Cancel)));
        // One turn for each, and one more for each that stepped back: as many as wait.
        for (var turn = 1; turn < 5; turn++) await service.TakeTurnAsync(Lane.Video, cancellationToken: Cancel);

        var ids = videos.ConvertAll(v => v.Story);
        Assert.Equal([(1, ids[0]), (1, ids[1]), (1, ids[2]), (2, ids[2]), (2, ids[0]), (2, ids[1])], await RevisionsAsync(service));
        Assert.Equal(5, service.Worker.GetRequiredService<JobStorage>().GetMonitoringApi().EnqueuedCount(Queues.Video));
        Assert.All(await service.ReadAsync(db => db.Stories.AsNoTracking().ToListAsync(Cancel)), row => Assert.Equal((WorkState.Done, 1, null), (row.Work, row.Attempt, row.Unfinished)));
        var end = await following;
        Assert.Equal((2, Stage.Done, 100), (end.Revision, end.Stage, percents[^1]));
        Assert.All(percents, percent => Assert.InRange(percent, 0, 100));
    }

    [Fact]
    public async Task A_video_withdrawn_between_its_revisions_leaves_nothing_and_no_work()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var withdrawn = (await alice.PostAsync([Samples.CompliantVideo], cancellationToken: Cancel)).Story;
        var other = (await service.User("bob").PostAsync([Samples.CompliantVideo], cancellationToken: Cancel)).Story;
        await service.TakeTurnAsync(Lane.Video, cancellationToken: Cancel);
        Assert.NotNull((await ProcessStoryTests.StoryAsync(service, withdrawn)).Unfinished);

        await alice.Client.WithdrawAsync(withdrawn, Cancel);
        for (var turn = 0; turn < 2; turn++) await service.TakeTurnAsync(Lane.Video, cancellationToken: Cancel);

        var row = await ProcessStoryTests.StoryAsync(service, withdrawn);
        Assert.Equal((StoryState.Withdrawn, WorkState.None, 1, null), (row.State, row.Work, row.Revision, row.Unfinished));
        Assert.Equal(2, (await ProcessStoryTests.StoryAsync(service, other)).Revision);
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Equal((await Remains.PublishedAsync(service)).Order(StringComparer.Ordinal), await Remains.RenditionsAsync(service));
        Assert.Equal(4, (await Remains.PublishedAsync(service)).Count);
    }

    [Fact]
    public async Task A_turn_without_a_story_does_nothing()
    {
        await using var service = await Service.StartAsync(servers);
        var video = (await service.User("alice").PostAsync([Samples.CompliantVideo], cancellationToken: Cancel)).Story;

        await service.TakeTurnAsync(Lane.Photo, cancellationToken: Cancel);

        Assert.Equal((StoryState.Accepted, 0), await service.ReadAsync(db => db.Stories.Where(s => s.Id == video).Select(s => new ValueTuple<StoryState, int>(s.State, s.Attempt)).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task Whose_turn_it_is_costs_the_same_among_a_hundred_thousand_stories()
    {
        await using var service = await Service.StartAsync(servers);
        await PostAsync(service, "alice");
        await using var database = NpgsqlDataSource.Create(service.Database);
        await CopyStoryAsync(database, 500, apps: 5, users: 50, waiting: true);
        var among500 = await PagesAsync(database, service.Clock.GetUtcNow());
        await CopyStoryAsync(database, 100_000, apps: 5, users: 5_000, waiting: false);
        var among100000 = await PagesAsync(database, service.Clock.GetUtcNow());

        var claims = service.Worker.GetRequiredService<StoryClaims>();
        var times = new List<double>();
        for (var i = 0; i < 100; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            Assert.NotNull(await claims.TakeAsync(Lane.Photo, Cancel));
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"pages touched: {among500} among 500 stories, {among100000} among 100,000; a claim takes {times.Order().ElementAt(50):0.00} ms (p50 of 100, 50 users of 5 apps waiting)");
        // A look at all of them is more than 10,000 pages.
        Assert.InRange(among100000, 1, 2 * among500);
    }

    /// <summary>Many more like the one there is.</summary>
    private static async Task CopyStoryAsync(NpgsqlDataSource database, int count, int apps, int users, bool waiting)
    {
        var fields = waiting
            ? "'accepted_at', (s).accepted_at + i * interval '1 microsecond'"
            : "'work', 'Done', 'state', 'Live', 'revision', 1, 'started_at', (s).accepted_at - i * interval '1 second'";
        await using var copy = database.CreateCommand($"""
            insert into stories select copy.* from (select t as s from stories t limit 1) one cross join generate_series(1, {count}) i
            cross join jsonb_populate_record(s, jsonb_build_object(
                'id', gen_random_uuid(), 'work_id', gen_random_uuid(), 'app', 'app' || i % {apps}, 'user', 'user' || i % {users}, {fields})) copy;
            """);
        await copy.ExecuteNonQueryAsync(Cancel);
        await using var analyze = database.CreateCommand("analyze stories");
        await analyze.ExecuteNonQueryAsync(Cancel);
    }

    /// <summary>Of the database that the choice and its claim look at.</summary>
    private static async Task<int> PagesAsync(NpgsqlDataSource database, DateTimeOffset now)
    {
        await using var connection = await database.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await using var explain = new NpgsqlCommand("explain (analyze, buffers, format json) " + StoryClaims.TakeFirst, connection, transaction)
        {
            Parameters = { new() { Value = "Photo" }, new() { Value = now }, new() { Value = now + StoryClaims.Lease } },
        };
        using var plan = JsonDocument.Parse((string)(await explain.ExecuteScalarAsync(Cancel))!);
        var root = plan.RootElement[0].GetProperty("Plan");
        Assert.Equal(1, root.GetProperty("Actual Rows").GetDouble());
        return root.GetProperty("Shared Hit Blocks").GetInt32() + root.GetProperty("Shared Read Blocks").GetInt32();
    }

    /// <summary>Which revision came when, by the database itself.</summary>
    private static Task<int> NoteRevisionsAsync(Service service) => service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("""
        create table revisions (place bigint generated always as identity, story uuid, revision int);
        create function note() returns trigger language plpgsql as 'begin insert into revisions (story, revision) values (new.id, new.revision); return new; end';
        create trigger note after update on stories for each row when (new.revision <> old.revision) execute function note();
        """, Cancel));

    private static async Task<List<(int Revision, Guid Story)>> RevisionsAsync(Service service)
    {
        await using var database = NpgsqlDataSource.Create(service.Database);
        await using var command = database.CreateCommand("select revision, story from revisions order by place");
        await using var row = await command.ExecuteReaderAsync(Cancel);
        var revisions = new List<(int, Guid)>();
        while (await row.ReadAsync(Cancel)) revisions.Add((row.GetInt32(0), row.GetGuid(1)));
        return revisions;
    }

    private static async Task<Guid> PostAsync(Service service, string user, string app = Service.ChatApp) =>
        (await service.User(user, app).PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel)).Story;

    private static Task<List<Guid>> InOrderOfStartAsync(Service service) =>
        service.ReadAsync(db => db.Stories.Where(s => s.StartedAt != null).OrderBy(s => s.StartedAt).Select(s => s.Id).ToListAsync(Cancel));
}
