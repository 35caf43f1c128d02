using Hangfire;
using Hangfire.Common;
using Hangfire.States;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Client;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Posting;

public sealed class PublishTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private UserSession alice = null!;
    private Publishing publishing = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers, new() { ["Posting:LiveStoriesPerUser"] = "3" });
        alice = service.User("alice");
        publishing = await new Publishing(service, alice).PrepareAsync();
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task A_text_story_is_live_at_once_for_a_day_from_its_acceptance()
    {
        var before = service.Clock.GetUtcNow();
        var progress = await publishing.PublishAsync(publishing.Request(m => m with { Lifetime = 86400 }));
        Assert.Equal(StoryState.Live, progress.State);
        Assert.InRange(progress.ExpiresAt - before, TimeSpan.FromHours(24), TimeSpan.FromHours(24) + TimeSpan.FromSeconds(30));
        Assert.Equal(publishing.Payload, (await alice.Client.OpenAsync(publishing.Story, Cancel)).Payload);
    }

    /// <summary>A worker that takes the turn at once passes over rows that somebody writes, and the turn would be gone.</summary>
    [Fact]
    public async Task Nothing_of_a_story_is_written_any_more_once_its_turn_is_queued()
    {
        var versions = new List<string>();
        var (_, address) = service.StartApi(services => services.AddSingleton<IBackgroundJobClient>(provider =>
            new Watched(new BackgroundJobClient(provider.GetRequiredService<JobStorage>()), () => versions.Add(VersionAsync().GetAwaiter().GetResult()))));
        await service.User("alice", api: address).PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel);
        Assert.Equal(Assert.Single(versions), await VersionAsync());

        Task<string> VersionAsync() => service.ReadAsync(db => db.Database.SqlQuery<string>($"select xmin::text as \"Value\" from stories").SingleAsync(Cancel));
    }

    [Fact]
    public async Task Publishing_the_same_again_gets_the_same_story_and_something_else_is_refused()
    {
        var request = publishing.Request();
        var first = await publishing.PublishAsync(request);
        var second = await publishing.PublishAsync(request);
        Assert.Equal(first.ExpiresAt, second.ExpiresAt, TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
        Assert.Equal(ProblemCodes.StoryIdTaken, await publishing.CodeAsync(publishing.Request()));
    }

    [Fact]
    public async Task The_same_publish_many_times_at_once_makes_one_story()
    {
        var request = publishing.Request();
        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => publishing.PublishAsync(request)));
        Assert.Single(all.Select(p => p.ExpiresAt.ToUnixTimeMilliseconds()).Distinct());
        Assert.Equal(1, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
    }

    public static TheoryData<string, string> Bent => new()
    {
        { "author", ProblemCodes.StoryManifestInvalid },
        { "story", ProblemCodes.StoryManifestInvalid },
        { "recipient", ProblemCodes.StoryManifestInvalid },
        { "white space", ProblemCodes.StoryManifestInvalid },
        { "another property", ProblemCodes.StoryManifestInvalid },
        { "device", ProblemCodes.StorySignatureInvalid },
        { "signature", ProblemCodes.StorySignatureInvalid },
        { "too early", ProblemCodes.StoryCreatedAtOutOfRange },
        { "too late", ProblemCodes.StoryCreatedAtOutOfRange },
        { "59 seconds", ProblemCodes.StoryLifetimeOutOfRange },
        { "over 48 hours", ProblemCodes.StoryLifetimeOutOfRange },
        { "audience", ProblemCodes.AudienceUnknown },
        { "epoch", ProblemCodes.StoryEpochUnknown },
        { "payload", ProblemCodes.StoryPayloadMismatch },
        { "empty", ProblemCodes.StoryEmpty },
        { "uploads", ProblemCodes.StoryPayloadMismatch },
        { "11 uploads", ProblemCodes.StoryTooManyUploads },
        { "large payload", ProblemCodes.StoryPayloadTooLarge },
        { "large envelope", ProblemCodes.StoryPayloadTooLarge },
        { "unknown upload", ProblemCodes.UploadUnknown },
        { "end to end with uploads", ProblemCodes.StoryLevelUnsupported },
        { "poster before the beginning", ProblemCodes.RequestInvalid },
        { "poster after an hour", ProblemCodes.RequestInvalid },
    };

    [Theory]
    [MemberData(nameof(Bent))]
    public async Task A_request_that_breaks_a_rule_is_refused_by_its_code_and_leaves_nothing(string rule, string code)
    {
        var digest = new Digest(new string('a', 64), 10);
        var now = service.Clock.GetUtcNow().ToUnixTimeSeconds();
        var request = rule switch
        {
            "author" => publishing.Request(m => m with { Author = "chat/bob" }),
            "story" => publishing.Request(m => m with { Story = Guid.NewGuid() }),
            "recipient" => publishing.Request(m => m with { Recipient = "age1nobody" }),
            "white space" => publishing.Request(bendBytes: b => [.. b, (byte)' ']),
            "another property" => publishing.Request(bendBytes: b => [.. b[..^1], .. ",\"x\":1}"u8]),
            "device" => publishing.Request(m => m with { Device = Guid.NewGuid() }),
            "signature" => publishing.Request() with { Signature = new byte[64] },
            "too early" => publishing.Request(m => m with { CreatedAt = now - 130 }),
            "too late" => publishing.Request(m => m with { CreatedAt = now + 130 }),
            "59 seconds" => publishing.Request(m => m with { Lifetime = 59 }),
            "over 48 hours" => publishing.Request(m => m with { Lifetime = 48 * 3600 + 1 }),
            "audience" => publishing.Request(m => m with { Audience = Guid.NewGuid() }),
            "epoch" => publishing.Request(m => m with { Epoch = 2 }),
            "payload" => publishing.Request() with { Payload = "other words"u8.ToArray() },
            "empty" => publishing.Request(m => m with { Payload = null }) with { Payload = null },
            "uploads" => publishing.Request(digests: [digest]),
            "11 uploads" => publishing.Request() with { Uploads = [.. Enumerable.Range(0, 11).Select(_ => Guid.NewGuid())] },
            "large payload" => publishing.Request() with { Payload = new byte[64 * 1024 + 1] },
            "large envelope" => publishing.Request() with { KeyEnvelope = new byte[4097] },
            "unknown upload" => publishing.Request(digests: [digest]) with { Uploads = [Guid.NewGuid()] },
            "end to end with uploads" => publishing.Request(m => m with { Level = Level.EndToEnd }, [digest]) with { Uploads = [Guid.NewGuid()] },
            "poster before the beginning" => publishing.Request() with { Wishes = new RenderWishes(PosterAt: -1) },
            "poster after an hour" => publishing.Request() with { Wishes = new RenderWishes(PosterAt: 3601) },
            _ => throw new ArgumentOutOfRangeException(nameof(rule)),
        };
        Assert.Equal(code, await publishing.CodeAsync(request));
        Assert.Equal(0, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Somebody_elses_unfinished_used_or_otherwise_levelled_upload_is_refused_each_by_its_code()
    {
        using var http = service.Http("alice");
        using var stranger = service.Http("mallory");
        var key = (await Tus.KeyAsync(service)).Id;
        var digest = new Digest(new string('a', 64), 100);

        var theirs = await Tus.UploadAsync(stranger, key, new byte[100]);
        Assert.Equal(ProblemCodes.UploadUnknown, await publishing.CodeAsync(publishing.Request(digests: [digest]) with { Uploads = [theirs] }));
        var unfinished = Guid.Parse((await Tus.BeginAsync(http, key, 100)).Split('/')[^1]);
        Assert.Equal(ProblemCodes.UploadUnfinished, await publishing.CodeAsync(publishing.Request(digests: [digest]) with { Uploads = [unfinished] }));
        var clear = await Tus.UploadAsync(http, key, new byte[100], level: "clear");
        Assert.Equal(ProblemCodes.UploadLevelMismatch, await publishing.CodeAsync(publishing.Request(digests: [digest]) with { Uploads = [clear] }));
        var shorter = await Tus.UploadAsync(http, key, new byte[99]);
        Assert.Equal(ProblemCodes.StoryPayloadMismatch, await publishing.CodeAsync(publishing.Request(digests: [digest]) with { Uploads = [shorter] }));

        var once = await Tus.UploadAsync(http, key, new byte[100]);
        await publishing.PublishAsync(publishing.Request(digests: [digest]) with { Uploads = [once] });
        publishing.Story = Guid.NewGuid();
        Assert.Equal(ProblemCodes.UploadAlreadyUsed, await publishing.CodeAsync(publishing.Request(digests: [digest]) with { Uploads = [once] }));
    }

    [Fact]
    public async Task Live_stories_have_a_quota_that_an_end_gives_back()
    {
        for (var i = 0; i < 3; i++)
        {
            publishing.Story = Guid.NewGuid();
            await publishing.PublishAsync(publishing.Request());
        }
        var last = publishing.Story;
        publishing.Story = Guid.NewGuid();
        Assert.Equal(ProblemCodes.QuotaStories, await publishing.CodeAsync(publishing.Request()));
        await alice.Client.WithdrawAsync(last, Cancel);
        await publishing.PublishAsync(publishing.Request());
    }

    [Fact]
    public async Task When_processing_is_further_behind_than_a_story_would_live_it_is_not_taken()
    {
        using var http = service.Http("alice");
        var key = (await Tus.KeyAsync(service)).Id;
        await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromHours(24), cancellationToken: Cancel);
        service.Clock.Advance(TimeSpan.FromMinutes(10));
        var upload = await Tus.UploadAsync(http, key, new byte[100]);
        var digest = new Digest(new string('a', 64), 100);
        Assert.Equal(ProblemCodes.StoryBacklog, await publishing.CodeAsync(publishing.Request(m => m with { Lifetime = 300 }, [digest]) with { Uploads = [upload] }));
        await publishing.PublishAsync(publishing.Request(m => m with { Lifetime = 3600 }, [digest]) with { Uploads = [upload] });
    }

    [Fact]
    public async Task A_withdrawn_story_is_gone_at_once_with_its_bytes_and_does_not_come_back()
    {
        var posted = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        var view = await alice.Client.OpenAsync(posted.Story, Cancel);
        await alice.Client.WithdrawAsync(posted.Story, Cancel);

        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => alice.Client.OpenAsync(posted.Story, Cancel))).Code);
        using var http = new HttpClient();
        foreach (var rendition in view.Renditions)
        {
            using var answer = await http.GetAsync(rendition.Url, Cancel);
            Assert.Equal(System.Net.HttpStatusCode.NotFound, answer.StatusCode);
        }
        var row = await service.ReadAsync(db => db.Stories.SingleAsync(Cancel));
        Assert.Equal((StoryState.Withdrawn, null, null, null, null), (row.State, row.Manifest, row.KeyEnvelope, row.Payload, row.RenditionManifest));

        var text = publishing.Request();
        await publishing.PublishAsync(text);
        await alice.Client.WithdrawAsync(publishing.Story, Cancel);
        Assert.Equal(StoryState.Withdrawn, (await publishing.PublishAsync(text)).State);
    }

    [Fact]
    public async Task A_story_withdrawn_before_it_was_processed_is_never_shown_and_leaves_no_upload()
    {
        var posted = await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        await alice.Client.WithdrawAsync(posted.Story, Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        Assert.Equal(StoryState.Withdrawn, (await alice.Client.WatchProgressAsync(posted.Story, Cancel)).State);
        Assert.NotNull(await service.ReadAsync(db => db.Uploads.Select(u => u.BytesGoneAt).SingleAsync(Cancel)));
        Assert.Equal(0, await service.ReadAsync(db => db.Renditions.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Who_gives_up_when_the_acceptance_was_lost_has_no_story_and_no_upload()
    {
        await using var network = FaultProxy.BeforeHttp(service.Address.Port);
        network.When(line => line.StartsWith("PUT /v1/stories/", StringComparison.Ordinal), new HttpFault.LoseAnswer());
        var tablet = service.User("alice", device: "tablet", api: new Uri($"http://127.0.0.1:{network.Port}"));
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var posting = tablet.PostAsync([Samples.Photo], cancellationToken: impatient.Token);
        await service.UntilAsync(db => db.Stories.AnyAsync(Cancel));
        await impatient.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => posting);
        Assert.Equal(StoryState.Withdrawn, await service.ReadAsync(db => db.Stories.Select(s => s.State).SingleAsync(Cancel)));
        Assert.NotNull(await service.ReadAsync(db => db.Uploads.Select(u => u.BytesGoneAt).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task Only_the_author_may_watch_or_withdraw()
    {
        await publishing.PublishAsync(publishing.Request());
        var bob = service.User("bob");
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => bob.Client.WatchProgressAsync(publishing.Story, Cancel))).Code);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => bob.Client.WithdrawAsync(publishing.Story, Cancel))).Code);
        Assert.Equal(StoryState.Live, (await alice.Client.WatchProgressAsync(publishing.Story, Cancel)).State);
    }

    [Fact]
    public async Task An_ended_story_is_not_published_again()
    {
        var request = publishing.Request(m => m with { Lifetime = 60 });
        await publishing.PublishAsync(request);
        service.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(ProblemCodes.StoryEnded, await publishing.CodeAsync(request));
        await service.LetEverythingEndAsync();
        Assert.Contains(await publishing.CodeAsync(request), new[] { ProblemCodes.StoryEnded, ProblemCodes.StoryCreatedAtOutOfRange });
    }

    private sealed class Watched(IBackgroundJobClient jobs, Action queueing) : IBackgroundJobClient
    {
        public string Create(Job job, IState state)
        {
            queueing();
            return jobs.Create(job, state);
        }

        public bool ChangeState(string jobId, IState state, string expectedState) => jobs.ChangeState(jobId, state, expectedState);
    }
}
