using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Client;
using Stories.Client.Cli;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using Stories.Worker.Erasure;
using SignedErasure = Stories.Protocol.ErasureRecord;

namespace Stories.Tests.Erasure;

public sealed class ErasureRecordTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private UserSession alice = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers);
        alice = service.User("alice");
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task Publishing_gives_a_ticket_and_publishing_again_the_same_one_and_progress_none()
    {
        var publishing = await new Publishing(service, alice).PrepareAsync();
        var request = publishing.Request();
        var ticket = (await publishing.PublishAsync(request)).Ticket!;
        var again = (await publishing.PublishAsync(request)).Ticket!;

        Assert.Equal((service.Settings["Blobs:Deployment"], ErasureTicket.LeafBytes), (ticket.Deployment, ticket.Leaf.Length));
        Assert.Equal((ticket.Deployment, ticket.Bucket), (again.Deployment, again.Bucket));
        Assert.Equal(ticket.Leaf, again.Leaf);
        Assert.Null((await alice.Client.WatchProgressAsync(publishing.Story, Cancel)).Ticket);
        Assert.Equal([SignedErasure.HashOf(ticket.Leaf)], await LeavesAsync());
    }

    [Fact]
    public async Task A_refused_publish_leaves_no_leaf()
    {
        var publishing = await new Publishing(service, alice).PrepareAsync();
        await publishing.PublishAsync(publishing.Request());
        Assert.Equal(ProblemCodes.StoryIdTaken, await publishing.CodeAsync(publishing.Request()));
        Assert.Single(await LeavesAsync());
    }

    [Fact]
    public async Task An_author_is_told_that_it_is_pending_and_then_proves_that_it_is_erased()
    {
        var (story, bob) = (await PostAsync(), service.User("bob"));
        var other = (await bob.PostAsync([], caption: "words", lifetime: TimeSpan.FromHours(24), cancellationToken: Cancel)).Story;
        var pending = Assert.IsType<ErasureProof.Pending>(await alice.Poster.VerifyErasureAsync(story.Story, Cancel));
        Assert.InRange(pending.DueAt, story.ExpiresAt - TimeSpan.FromMilliseconds(1), story.ExpiresAt + TimeSpan.FromMinutes(1));

        await service.LetEverythingEndAsync();

        var erased = Assert.IsType<ErasureProof.Erased>(await alice.Poster.VerifyErasureAsync(story.Story, Cancel));
        var bucket = await service.ReadAsync(db => db.Buckets.AsNoTracking().SingleAsync(b => b.Id == story.Ticket!.Bucket, Cancel));
        Assert.Equal(pending.DueAt, erased.DueAt, TimeSpan.FromMilliseconds(1));
        Assert.Equal(bucket.ErasedAt!.Value, erased.ErasedAt, TimeSpan.FromMilliseconds(1));
        Assert.Equal((bucket.Stories, bucket.Blobs, bucket.Bytes), (erased.Record.Stories, erased.Record.Blobs, erased.Record.Bytes));
        Assert.Equal(2, erased.Record.Blobs);
        Assert.IsType<ErasureProof.Erased>(await bob.Poster.VerifyErasureAsync(other, Cancel));
        Assert.Null(Assert.IsType<ErasureProof.NotProven>(await bob.Poster.VerifyErasureAsync(story.Story, Cancel)).Fault);
        Assert.Empty(await LeavesAsync());
    }

    [Fact]
    public async Task A_record_counts_stories_whose_rows_went_before_and_names_neither_story_nor_anybody()
    {
        var stories = new List<StoryProgress>();
        service.Clock.MoveTo(Bucket.EndFor(service.Clock.GetUtcNow(), TimeSpan.FromMinutes(1)) + TimeSpan.FromSeconds(5));
        for (var i = 0; i < 3; i++) stories.Add(await alice.PostAsync([], caption: "canary-caption", lifetime: TimeSpan.FromHours(1), cancellationToken: Cancel));
        await alice.Client.WithdrawAsync(stories[0].Story, Cancel);
        // As when its author was erased.
        await service.ReadAsync(db => db.Stories.Where(s => s.Id == stories[1].Story).ExecuteDeleteAsync(Cancel));

        await service.LetEverythingEndAsync();

        foreach (var story in stories) Assert.Equal(3, Assert.IsType<ErasureProof.Erased>(await alice.Poster.VerifyErasureAsync(story.Story, Cancel)).Record.Stories);
        var ticket = stories[0].Ticket!;
        var text = Encoding.UTF8.GetString((await alice.Client.ReadErasureAsync(ticket.Bucket, ticket.Leaf, Cancel)).Bytes);
        Assert.All(stories, story => Assert.DoesNotContain(story.Story.ToString(), text, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain("alice", text, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_right_leaf_a_bucket_looks_like_one_that_there_is_not()
    {
        var ticket = (await PostAsync()).Ticket!;
        using var http = service.Http("alice");
        await AssertAsync(ProblemCodes.ErasurePending);
        await service.LetEverythingEndAsync();
        await AssertAsync(expected: null);

        async Task AssertAsync(string? expected)
        {
            using var right = await http.GetAsync(PathOf(ticket.Bucket, ticket.Leaf), Cancel);
            if (expected is null) Assert.True(right.IsSuccessStatusCode);
            else Assert.Equal(expected, await Tus.CodeAsync(right));
            using var wrong = await http.GetAsync(PathOf(ticket.Bucket, new byte[32]), Cancel);
            using var nowhere = await http.GetAsync(PathOf(Guid.NewGuid(), ticket.Leaf), Cancel);
            Assert.Equal(ProblemCodes.NotFound, await Tus.CodeAsync(wrong));
            Assert.Equal(await wrong.Content.ReadAsStringAsync(Cancel), await nowhere.Content.ReadAsStringAsync(Cancel));
            foreach (var malformed in new[] { "", "?leaf=", "?leaf=AAAA", $"?leaf={new string('A', 42)}!", $"?leaf={Base64Url.EncodeToString(new byte[33])}" })
            {
                using var answer = await http.GetAsync($"v1/erasures/{ticket.Bucket}{malformed}", Cancel);
                Assert.Equal(ProblemCodes.RequestInvalid, await Tus.CodeAsync(answer));
            }
            using var viewer = service.Http("alice", scope: "stories.view");
            using var forbidden = await viewer.GetAsync(PathOf(ticket.Bucket, ticket.Leaf), Cancel);
            Assert.Equal(ProblemCodes.Forbidden, await Tus.CodeAsync(forbidden));
        }
    }

    [Fact]
    public async Task Two_that_record_at_once_make_one_record()
    {
        var story = await PostAsync();
        var bucket = await service.ReadAsync(db => db.Buckets.AsNoTracking().SingleAsync(Cancel));
        service.Clock.MoveTo(bucket.EndsAt);
        await using (var scope = service.Worker.CreateAsyncScope())
            await ((EraseBucket)scope.ServiceProvider.GetRequiredService<IEraseBucket>()).SealAsync(bucket.Id, service.Clock.GetUtcNow(), Cancel);
        var second = service.StartWorker();

        await Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
        {
            await using var scope = (i % 2 == 0 ? service.Worker : second).CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<RecordErasure>().RunAsync(bucket, Cancel);
        }));

        Assert.Equal(1, await service.ReadAsync(db => db.ErasureRecords.CountAsync(Cancel)));
        Assert.IsType<ErasureProof.Erased>(await alice.Poster.VerifyErasureAsync(story.Story, Cancel));
    }

    [Fact]
    public async Task A_clock_that_was_set_back_makes_no_record_that_nobody_would_take()
    {
        var story = await PostAsync();
        var bucket = await service.ReadAsync(db => db.Buckets.AsNoTracking().SingleAsync(Cancel));
        service.Clock.MoveTo(bucket.EndsAt);
        await using (var scope = service.Worker.CreateAsyncScope())
        {
            await ((EraseBucket)scope.ServiceProvider.GetRequiredService<IEraseBucket>()).SealAsync(bucket.Id, service.Clock.GetUtcNow(), Cancel);
            service.Clock.Advance(TimeSpan.FromSeconds(-30));
            await scope.ServiceProvider.GetRequiredService<RecordErasure>().RunAsync(bucket, Cancel);
        }
        var erased = Assert.IsType<ErasureProof.Erased>(await alice.Poster.VerifyErasureAsync(story.Story, Cancel));
        Assert.Equal(erased.Record.Due, erased.Record.Erased);
    }

    [Fact]
    public async Task A_worker_killed_before_the_record_is_kept_leaves_leaves_and_the_next_sweep_makes_the_record()
    {
        var story = await PostAsync();
        await service.EndBucketsAsync(Cancel, at: TimeSpan.FromSeconds(-1));

        await using (var doomed = service.StartProcess("Worker", ("STORIES_CRASH_AT", "erase:signed"))) await doomed.WaitForEndAsync(Cancel);
        await service.UntilNobodyHasATurnAsync();
        Assert.Equal(BucketState.Sealed, await service.ReadAsync(db => db.Buckets.Select(b => b.State).SingleAsync(Cancel)));
        Assert.Single(await LeavesAsync());
        Assert.Equal(0, await service.ReadAsync(db => db.ErasureRecords.CountAsync(Cancel)));

        await service.SweepAsync();

        var ticket = story.Ticket!;
        var proof = await alice.Client.ReadErasureAsync(ticket.Bucket, ticket.Leaf, Cancel);
        Assert.Null(SignedErasure.FindFault(proof, alice.Store.ServiceKey, ticket, out var record));
        Assert.Equal((1, 2), (record!.Stories, record.Blobs));
    }

    [Fact]
    public async Task A_record_of_twenty_thousand_stories_is_made_given_and_verified_in_little_time()
    {
        const int Many = 20_000;
        var story = await PostAsync();
        var ticket = story.Ticket!;
        await service.ReadAsync(db => db.Database.ExecuteSqlAsync(
            $"insert into erasure_leaves (bucket_id, hash) select {ticket.Bucket}, sha256(sha256(convert_to('leaf ' || n, 'UTF8'))) from generate_series(2, {Many}) n", Cancel));

        var watch = Stopwatch.StartNew();
        await service.LetEverythingEndAsync();
        var erased = Assert.IsType<ErasureProof.Erased>(await alice.Poster.VerifyErasureAsync(story.Story, Cancel));

        Assert.Equal(Many, erased.Record.Stories);
        Assert.Empty(await LeavesAsync());
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        await alice.Client.ReadErasureAsync(ticket.Bucket, SHA256.HashData(Encoding.UTF8.GetBytes($"leaf {Many}")), Cancel);
    }

    [Fact]
    public async Task A_record_is_kept_for_ninety_days_and_then_there_is_none()
    {
        var story = await PostAsync();
        await service.LetEverythingEndAsync();
        service.Clock.Advance(TimeSpan.FromDays(89));
        await service.SweepAsync();
        Assert.IsType<ErasureProof.Erased>(await service.User("alice").Poster.VerifyErasureAsync(story.Story, Cancel));

        service.Clock.Advance(TimeSpan.FromDays(2));
        await service.SweepAsync();

        Assert.Equal(0, await service.ReadAsync(db => db.ErasureRecords.CountAsync(Cancel)));
        Assert.Null(Assert.IsType<ErasureProof.NotProven>(await service.User("alice").Poster.VerifyErasureAsync(story.Story, Cancel)).Fault);
    }

    [Fact]
    public async Task The_command_line_says_when_it_is_due_then_what_was_signed_and_of_another_devices_story_that_nothing_is_proven()
    {
        // By the clock of a process the end must not be far: it believes no record of times to come.
        var story = (await PostAsync(TimeSpan.FromMinutes(2))).Story;
        var pending = Assert.IsType<ErasureProof.Pending>(await alice.Poster.VerifyErasureAsync(story, Cancel));
        Assert.Equal((1, $"Not yet: it is due {Time(pending.DueAt)}. [erasure.pending]"), await RunAsync(story.ToString(), "phone"));

        await service.LetEverythingEndAsync();

        var erased = Assert.IsType<ErasureProof.Erased>(await alice.Poster.VerifyErasureAsync(story, Cancel));
        var (code, output) = await RunAsync(story.ToString()[..8], "phone");
        Assert.Equal(0, code);
        Assert.Equal(
            [
                $"Erased {Time(erased.ErasedAt)}, {Durations.Write(erased.ErasedAt - erased.ExpiresAt)} after the story's end.",
                FormattableString.Invariant($"With it went all that was due {Time(erased.DueAt)}: stories 1, blobs 2, bytes {erased.Record.Bytes:#,0}."),
                "The service signed this, and the story is in it. It does not say what viewers kept, nor what others back up.",
            ],
            output.Split('\n'));
        Assert.Equal((4, "Not proven. This device has no ticket for it: another one posted it, or over 90 days ago."), await RunAsync(story.ToString(), "laptop"));

        async Task<(int ExitCode, string Output)> RunAsync(string which, string device)
        {
            var (code, output) = await service.RunClientAsync("alice", ["erasure", which], Cancel, device: device);
            return (code, output.Trim());
        }

        static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("d MMM HH:mm:ss", CultureInfo.InvariantCulture);
    }

    private async Task<StoryProgress> PostAsync(TimeSpan? lifetime = null)
    {
        var posted = await alice.PostAsync([Samples.Photo], lifetime: lifetime, cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        return posted;
    }

    private async Task<List<string>> LeavesAsync() => [.. (await service.ReadAsync(db => db.ErasureLeaves.Select(l => l.Hash).ToListAsync(Cancel))).Select(Convert.ToHexStringLower)];

    private static string PathOf(Guid bucket, byte[] leaf) => $"v1/erasures/{bucket}?leaf={Base64Url.EncodeToString(leaf)}";
}
