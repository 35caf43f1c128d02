using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Erasure;

public sealed class TakedownTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private UserSession alice = null!;
    private StoriesClient moderator = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers);
        alice = service.User("alice-the-author");
        moderator = Moderator(Service.ChatApp);
    }

    public ValueTask DisposeAsync()
    {
        moderator.Dispose();
        return service.DisposeAsync();
    }

    [Theory]
    [InlineData(Level.Processed, true)]
    [InlineData(Level.Processed, false)]
    [InlineData(Level.Clear, true)]
    public async Task A_story_that_is_taken_down_is_gone_with_its_bytes_whether_it_is_live_or_waits_and_its_author_is_told_why(Level level, bool isLive)
    {
        var bob = service.User("bob");
        await bob.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
        var story = (await alice.PostAsync([Samples.Photo], level, caption: "words", cancellationToken: Cancel)).Story;
        if (isLive)
        {
            await service.ProcessAsync(story, Cancel);
            await bob.Client.MarkSeenAsync(story, Cancel);
        }

        await moderator.TakeDownAsync(story, TakedownReason.ChildSafety, Cancel);

        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => bob.Client.OpenAsync(story, Cancel))).Code);
        Assert.Empty((await bob.Client.ShowTrayAsync(Cancel)).Authors);
        Assert.Empty(await Remains.RenditionsAsync(service));
        Assert.Empty(await Remains.IngestAsync(service));
        var told = await alice.Client.WatchProgressAsync(story, Cancel);
        Assert.Equal((StoryState.TakenDown, "moderation.childSafety", Stage.Done), (told.State, told.Code, told.Stage));
        var row = await ProcessStoryTests.StoryAsync(service, story);
        Assert.Equal((null, null, null, null, null), (row.Manifest, row.Signature, row.KeyEnvelope, row.Payload, row.RenditionManifest));
        Assert.Equal(0, await service.ReadAsync(db => db.Seen.CountAsync(Cancel)));
        await service.TakeTurnAsync(Lane.Photo, cancellationToken: Cancel);
        Assert.Equal(StoryState.TakenDown, (await ProcessStoryTests.StoryAsync(service, story)).State);
    }

    [Fact]
    public async Task What_is_kept_names_neither_story_nor_author()
    {
        var publishing = await PublishAsync(Level.EndToEnd);
        var (about, one) = (await EverythingAbout.RememberAsync(service, alice.Self), await EverythingAbout.RememberStoryAsync(service, publishing.Story));

        await moderator.TakeDownAsync(publishing.Story, TakedownReason.Harassment, Cancel);

        var kept = await service.ReadAsync(db => db.Takedowns.SingleAsync(Cancel));
        Assert.Equal((Service.ChatApp, Level.EndToEnd, TakedownReason.Harassment, "chat/the-moderator"), (kept.App, kept.Level, kept.Reason, kept.Moderator));
        Assert.DoesNotContain([.. await about.InDatabaseAsync(), .. await one.InDatabaseAsync()], place => place.Contains("takedowns", StringComparison.Ordinal));
        // The moderator's own name goes with the moderator.
        await moderator.EraseUserAsync(new UserName(Service.ChatApp, "the-moderator"), Cancel);
        Assert.Equal("", await service.ReadAsync(db => db.Takedowns.Select(t => t.Moderator).SingleAsync(Cancel)));
    }

    [Fact]
    public async Task A_takedown_counts_once_and_nobody_undoes_it()
    {
        var publishing = await new Publishing(service, alice).PrepareAsync();
        var request = publishing.Request();
        await publishing.PublishAsync(request);
        using var another = Moderator(Service.PhotosApp);

        await Task.WhenAll(moderator.TakeDownAsync(publishing.Story, TakedownReason.Spam, Cancel), moderator.TakeDownAsync(publishing.Story, TakedownReason.Spam, Cancel));
        await another.TakeDownAsync(publishing.Story, TakedownReason.Other, Cancel);
        await alice.Client.WithdrawAsync(publishing.Story, Cancel);
        var again = await publishing.PublishAsync(request);

        Assert.Equal((StoryState.TakenDown, "moderation.spam"), (again.State, again.Code));
        Assert.Equal(1, await service.ReadAsync(db => db.Takedowns.CountAsync(Cancel)));
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => alice.Client.OpenAsync(publishing.Story, Cancel))).Code);
    }

    [Fact]
    public async Task Only_a_moderator_of_an_app_that_shares_audiences_with_the_authors_finds_the_story_and_only_before_its_end()
    {
        var story = (await PublishAsync()).Story;
        using var lonely = Moderator(Service.LonelyApp);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => lonely.TakeDownAsync(story, TakedownReason.Spam, Cancel))).Code);
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => moderator.TakeDownAsync(Guid.NewGuid(), TakedownReason.Spam, Cancel))).Code);
        Assert.Equal(ProblemCodes.Forbidden, (await Refused(() => alice.Client.TakeDownAsync(story, TakedownReason.Spam, Cancel))).Code);
        using var http = service.Http("the-moderator", "moderate");
        foreach (var body in new[] { "{}", "{\"reason\":\"boredom\"}", "{\"reason\":3}" })
        {
            using var answer = await http.PostAsync($"v1/stories/{story}/takedown", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancel);
            Assert.Equal(ProblemCodes.RequestInvalid, await Tus.CodeAsync(answer));
        }
        Assert.Equal(StoryState.Live, (await alice.Client.WatchProgressAsync(story, Cancel)).State);

        service.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(ProblemCodes.NotFound, (await Refused(() => moderator.TakeDownAsync(story, TakedownReason.Spam, Cancel))).Code);
        Assert.Equal(0, await service.ReadAsync(db => db.Takedowns.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Operators_count_takedowns_and_rows_go_after_their_time()
    {
        foreach (var reason in new[] { TakedownReason.Spam, TakedownReason.Nudity, TakedownReason.Spam }) await moderator.TakeDownAsync((await PublishAsync()).Story, reason, Cancel);
        Assert.Equal(
            [new TakedownCount(Service.ChatApp, Level.Processed, TakedownReason.Nudity, 1), new TakedownCount(Service.ChatApp, Level.Processed, TakedownReason.Spam, 2)],
            (await alice.Client.ShowTakedownsAsync(30, Cancel)).Counts);
        Assert.Equal(ProblemCodes.Forbidden, (await Refused(() => moderator.ShowTakedownsAsync(30, Cancel))).Code);
        foreach (var days in new[] { -1, 0, 91, int.MaxValue }) Assert.Equal(ProblemCodes.RequestInvalid, (await Refused(() => alice.Client.ShowTakedownsAsync(days, Cancel))).Code);

        service.Clock.Advance(TimeSpan.FromDays(89));
        await service.SweepAsync();
        var operators = service.User("operator");
        Assert.Empty((await operators.Client.ShowTakedownsAsync(30, Cancel)).Counts);
        Assert.Equal(3, (await operators.Client.ShowTakedownsAsync(90, Cancel)).Counts.Sum(c => c.Stories));
        service.Clock.Advance(TimeSpan.FromDays(2));
        await service.SweepAsync();
        Assert.Equal(0, await service.ReadAsync(db => db.Takedowns.CountAsync(Cancel)));
    }

    [Fact]
    public async Task The_command_line_takes_down_and_erases()
    {
        var story = (await PublishAsync()).Story;
        var (code, output) = await service.RunClientAsync("the-moderator", ["takedown", story.ToString(), "--reason", "selfHarm"], Cancel, "moderate");
        Assert.Equal((0, $"Taken down: {story}"), (code, output.Trim()));
        Assert.Equal("moderation.selfHarm", (await alice.Client.WatchProgressAsync(story, Cancel)).Code);
        var (refused, told) = await service.RunClientAsync("the-moderator", ["takedown", story.ToString(), "--reason", "boredom"], Cancel, "moderate");
        Assert.Equal(2, refused);
        Assert.Contains("childSafety", told, StringComparison.Ordinal);

        var (erased, said) = await service.RunClientAsync("the-moderator", ["erase", alice.Self.ToString()], Cancel, "moderate");
        Assert.Equal((0, $"Everything of {alice.Self} is gone."), (erased, said.Trim()));
        Assert.Equal(0, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
    }

    private async Task<Publishing> PublishAsync(Level level = Level.Processed)
    {
        var publishing = await new Publishing(service, alice).PrepareAsync();
        await publishing.PublishAsync(publishing.Request(m => m with { Level = level }));
        return publishing;
    }

    private StoriesClient Moderator(string app) => new(service.Address, service.Token("the-moderator", "moderate", app));
}
