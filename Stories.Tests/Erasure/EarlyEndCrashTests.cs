using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Core.Data;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Erasure;

/// <summary>Real Apis, killed as a power cut would between the row that says so and the last byte; one sweep finishes what they began.</summary>
public sealed class EarlyEndCrashTests(LocalServers servers)
{
    private static int Rounds => Tier.Rounds(usually: 1, inTheLongTier: 20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("withdraw")]
    [InlineData("take down")]
    [InlineData("delete the audience")]
    public async Task A_story_whose_end_was_cut_off_is_seen_by_nobody_and_its_bytes_go_with_the_next_sweep(string end)
    {
        await using var service = await Service.StartAsync(servers);
        for (var round = 0; round < Rounds; round++)
        {
            var (alice, bob, story) = await PostAsync(service);
            await bob.Client.MarkSeenAsync(story, Cancel);
            Assert.Equal(2, (await Remains.RenditionsAsync(service)).Count);

            await DieAsync(service, "end:emptied", async address =>
            {
                var doomed = service.User(alice.Self.User, api: address);
                using var moderator = new StoriesClient(address, service.Token("moderator", "moderate"));
                await (end switch
                {
                    "withdraw" => doomed.Client.WithdrawAsync(story, Cancel),
                    "take down" => moderator.TakeDownAsync(story, TakedownReason.Spam, Cancel),
                    "delete the audience" => doomed.Audiences.DeleteAsync("friends", Cancel),
                    _ => throw new ArgumentOutOfRangeException(nameof(end)),
                });
            });

            Assert.Equal(ProblemCodes.NotFound, (await Refused(() => bob.Client.OpenAsync(story, Cancel))).Code);
            var row = await ProcessStoryTests.StoryAsync(service, story);
            Assert.Equal((end == "take down" ? StoryState.TakenDown : StoryState.Withdrawn, null, null), (row.State, row.KeyEnvelope, row.RenditionManifest));
            Assert.Equal(2, (await Remains.RenditionsAsync(service)).Count);

            await service.SweepAsync();

            Assert.Empty(await Remains.RenditionsAsync(service));
            Assert.Empty(await Remains.PublishedAsync(service));
            Assert.Equal(0, await service.ReadAsync(db => db.Seen.CountAsync(Cancel)));
        }
    }

    [Theory]
    [InlineData("depart:asked")]
    [InlineData("end:emptied")]
    [InlineData("depart:bytes")]
    [InlineData("depart:emptied")]
    public async Task A_user_whose_erasure_was_cut_off_is_gone_with_the_next_sweep(string place)
    {
        await using var service = await Service.StartAsync(servers);
        for (var round = 0; round < Rounds; round++)
        {
            var (alice, bob, story) = await PostAsync(service);
            await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
            var about = await EverythingAbout.RememberAsync(service, alice.Self);

            await DieAsync(service, place, address => service.User(alice.Self.User, api: address).Client.EraseUserAsync(alice.Self, Cancel));

            Assert.NotEmpty(await about.FindAsync());
            if (place != "depart:asked") Assert.Equal(ProblemCodes.NotFound, (await Refused(() => bob.Client.OpenAsync(story, Cancel))).Code);
            await service.SweepAsync();
            Assert.Empty(await about.FindAsync());
            Assert.Equal(0, await service.ReadAsync(db => db.Departures.CountAsync(Cancel)));
            Assert.Empty(await Remains.IngestAsync(service));
            Assert.Empty(await Remains.RenditionsAsync(service));
        }
    }

    [Fact]
    public async Task What_a_long_erasure_has_done_stays_done_when_it_is_cut_off()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice-to-be-erased");
        await alice.PostAsync([], caption: "words", cancellationToken: Cancel);
        var about = await EverythingAbout.RememberAsync(service, alice.Self);
        var more = 2 * EraseDeparted.Piece;
        await service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
            insert into stories select copy.* from stories s, generate_series(1, {more}) as n,
            jsonb_populate_record(null::stories, to_jsonb(s) || jsonb_build_object('id', md5(n::text)::uuid)) as copy
            """, Cancel));

        await DieAsync(service, "depart:piece", address => service.User(alice.Self.User, api: address).Client.EraseUserAsync(alice.Self, Cancel));

        Assert.Equal(more + 1 - EraseDeparted.Piece, await service.ReadAsync(db => db.Stories.CountAsync(Cancel)));
        await service.SweepAsync();
        Assert.Empty(await about.FindAsync());
        Assert.Equal((0, 0), (await service.ReadAsync(db => db.Stories.CountAsync(Cancel)), await service.ReadAsync(db => db.Departures.CountAsync(Cancel))));
    }

    [Fact]
    public async Task An_upload_whose_end_was_cut_off_is_over_and_its_blocks_go_with_the_next_sweep()
    {
        await using var service = await Service.StartAsync(servers);
        using var http = service.Http("alice");
        var key = (await Tus.KeyAsync(service)).Id;
        for (var round = 0; round < Rounds; round++)
        {
            var half = await Tus.BeginAsync(http, key, 100);
            using (await Tus.PatchAsync(http, half, 0, new byte[50])) { }
            var whole = await Tus.UploadAsync(http, key, new byte[100]);

            foreach (var upload in new[] { half, $"v1/uploads/{whole}" })
            {
                await DieAsync(service, "upload:ended", async address =>
                {
                    using var doomed = new HttpClient { BaseAddress = address };
                    doomed.DefaultRequestHeaders.Authorization = http.DefaultRequestHeaders.Authorization;
                    using var answer = await doomed.SendAsync(Tus.Request(HttpMethod.Delete, upload), Cancel);
                });
                Assert.Null(await Tus.OffsetAsync(http, upload));
            }
            Assert.Equal(2, (await Remains.IngestAsync(service)).Count);

            await service.SweepAsync();

            Assert.Empty(await Remains.IngestAsync(service));
            Assert.Equal((0, 0), (await service.ReadAsync(db => db.Uploads.CountAsync(Cancel)), await service.ReadAsync(db => db.UploadBlocks.CountAsync(Cancel))));
        }
    }

    private static async Task<(UserSession Alice, UserSession Bob, Guid Story)> PostAsync(Service service)
    {
        var (alice, bob) = (service.User("alice-to-be-erased"), service.User("bob-who-stays", Service.PhotosApp));
        await bob.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);
        var story = (await alice.PostAsync([Samples.Photo], caption: "words", cancellationToken: Cancel)).Story;
        await service.ProcessAsync(story, Cancel);
        return (alice, bob, story);
    }

    private static async Task DieAsync(Service service, string place, Func<Uri, Task> act)
    {
        await using var doomed = service.StartProcess("Api", ("STORIES_CRASH_AT", place));
        await doomed.WaitUntilReadyAsync(Cancel);
        await Assert.ThrowsAsync<HttpRequestException>(() => act(doomed.Address));
        Assert.Equal(128 + 9, await doomed.WaitForEndAsync(Cancel));
        await service.UntilNobodyHasATurnAsync();
    }
}
