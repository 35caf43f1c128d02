using System.Diagnostics;
using Stories.Client.Sessions;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client.Demo;

/// <summary>
/// The main job on the running service, as two people of two apps see it, with every sample; then one story watched until
/// nothing of it is left. Each person has a new device for the show, which is taken away after it, as each story is once it was seen.
/// </summary>
internal sealed class DemoShow : IDisposable
{
    private const string Audience = "demo";

    /// <summary>Longer than a show takes.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>A bucket ends within two minutes of its story here, and its erasure takes seconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);

    private readonly string samples;
    private readonly IReadOnlyList<Expected> expected;
    private readonly Action<string> say;
    private readonly string folder = Directory.CreateTempSubdirectory("stories-demo-").FullName;
    private readonly Session alice;
    private readonly Session bob;
    private readonly StoriesClient ops;
    private readonly StoriesClient reviewer;
    private readonly Session advertiser;
    private readonly List<Session> friends;

    public DemoShow(string samples, IReadOnlyList<Expected> expected, Action<string> say)
    {
        this.samples = samples;
        this.expected = expected;
        this.say = say;
        alice = new Session(Session.Service(), Token("STORIES_TOKEN_ALICE"), Path.Combine(folder, "alice"));
        bob = new Session(Session.Service(), Token("STORIES_TOKEN_BOB"), Path.Combine(folder, "bob"));
        ops = new StoriesClient(Session.Service(), Token("STORIES_TOKEN_OPS"));
        reviewer = new StoriesClient(Session.Service(), Token("STORIES_TOKEN_REVIEWER"));
        advertiser = new Session(Session.Service(), Token("STORIES_TOKEN_ADVERTISER"), Path.Combine(folder, "advertiser"));
        friends = [.. Token("STORIES_TOKENS_FRIENDS").Split(' ').Select((token, i) => new Session(Session.Service(), token, Path.Combine(folder, $"friend-{i}")))];
    }

    public async Task<IReadOnlyList<Act>> PlayAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await PlayActsAsync(cancellationToken);
        }
        finally
        {
            await TryRemoveDevicesAsync();
        }
    }

    public void Dispose()
    {
        foreach (var session in (Session[])[alice, bob, advertiser, .. friends]) session.Dispose();
        ops.Dispose();
        reviewer.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task<IReadOnlyList<Act>> PlayActsAsync(CancellationToken cancellationToken)
    {
        var good = expected.Where(s => s.Code is null).ToList();
        say($"{alice.Self} posts, {bob.Self} watches from another app.");
        await alice.Audiences.RegisterAsync(cancellationToken);
        await bob.Audiences.RegisterAsync(cancellationToken);
        await alice.Audiences.ChangeAsync(Audience, [bob.Self], [], cancellationToken);

        // Watched beside the rest: its minute, and its bucket's, pass meanwhile.
        var ending = ShowEndAsync(good.First(s => s.Lane == Lane.Photo).File, cancellationToken);
        var acts = new List<Act>();

        say("Every good sample, from post to the other person's screen:");
        foreach (var sample in good) acts.Add(Told(await ShowAsync(sample, Level.Processed, cancellationToken)));
        acts.Add(Told(await ShowAsync(good.FirstOrDefault(s => s.Lane == Lane.Video) ?? good[0], Level.Clear, cancellationToken)));

        say("Every hostile one:");
        foreach (var sample in expected.Where(s => s.Code is not null)) acts.Add(Told(await ShowRefusedAsync(sample, cancellationToken)));

        say("Between people's statuses:");
        acts.Add(Told(await ShowSponsoredAsync(cancellationToken)));

        say($"A story of one minute, until nothing of it was left{(ending.IsCompleted ? "" : " (up to two minutes from the beginning)")}:");
        acts.Add(Told(await ending));
        return acts;
    }

    private Act Told(Act act)
    {
        say($"  {(act.Succeeded ? "ok    " : "FAILED")}  {act.What}: {act.Outcome}");
        return act;
    }

    /// <summary>Posts a sample; the other person finds it in the tray, opens, decrypts and checks it.</summary>
    private async Task<Act> ShowAsync(Expected sample, Level level, CancellationToken cancellationToken)
    {
        var what = level == Level.Clear ? $"{sample.File} (clear)" : sample.File;
        var (act, failure) = await TryAsync(what, async () =>
        {
            var posted = await PostAsync(sample.File, level, Lifetime, cancellationToken);
            var watch = Stopwatch.StartNew();
            var end = await alice.Poster.FollowAsync(posted.Accepted, (_, _) => { }, untilLive: true, cancellationToken);
            var times = posted.Times with { Live = watch.Elapsed.TotalMilliseconds };
            // Further renditions may still come.
            end = await alice.Poster.FollowAsync(end, (_, _) => { }, cancellationToken: cancellationToken);
            if (end.State != StoryState.Live) return new Act(what, $"refused: {end.Code}", false, times);

            watch.Restart();
            var tray = await bob.Viewer.ShowTrayAsync(cancellationToken);
            if (!tray.Authors.Any(a => a.Author == alice.Self.ToString() && a.Stories.Any(s => s.Story == end.Story))) return new Act(what, "is not in the other person's tray", false, times);
            using var opened = await bob.Viewer.OpenAsync(end.Story, cancellationToken);
            var entries = opened.Renditions?.Renditions ?? [];
            foreach (var entry in entries)
            {
                await using var content = File.Create(Path.Combine(folder, entry.Name));
                await bob.Viewer.DownloadAsync(opened, entry, content, cancellationToken);
            }
            times = times with { Open = watch.Elapsed.TotalMilliseconds };

            var fault = await FindFaultAsync(opened, sample, level, entries, cancellationToken);
            await bob.Client.MarkSeenAsync(end.Story, cancellationToken);
            // Nobody has a hundred stories at once, and the show can be repeated.
            await alice.Client.WithdrawAsync(end.Story, cancellationToken);
            return new Act(what, fault ?? string.Join(", ", entries.Select(e => $"{e.Name} {e.Width}×{e.Height}")), fault is null, times, entries.Sum(e => e.ContentLength));
        });
        return act ?? failure!;
    }

    private async Task<string?> FindFaultAsync(OpenedStory opened, Expected sample, Level level, IReadOnlyList<RenditionEntry> entries, CancellationToken cancellationToken)
    {
        if (opened.View.Level != level || opened.Manifest.Author != alice.Self.ToString()) return "is shown as something else than was posted";
        if (opened.Payload?.Caption != Caption(sample.File)) return "came with another caption";
        if (!entries.Select(e => e.Name).Order().SequenceEqual((sample.Renditions ?? []).Keys.Order())) return $"came as {string.Join(", ", entries.Select(e => e.Name))}";
        foreach (var entry in entries)
        {
            var size = sample.Renditions![entry.Name];
            if ((entry.Width, entry.Height) != (size[0], size[1])) return $"{entry.Name}: its manifest says {entry.Width}×{entry.Height}";
            if (await MediaCheck.FindFaultAsync(Path.Combine(folder, entry.Name), entry, sample, cancellationToken) is { } fault) return $"{entry.Name}: {fault}";
        }
        return null;
    }

    private async Task<Act> ShowRefusedAsync(Expected sample, CancellationToken cancellationToken)
    {
        var (act, failure) = await TryAsync(sample.File, async () =>
        {
            var posted = await PostAsync(sample.File, Level.Processed, Lifetime, cancellationToken);
            var watch = Stopwatch.StartNew();
            var end = await alice.Poster.FollowAsync(posted.Accepted, (_, _) => { }, cancellationToken: cancellationToken);
            var times = posted.Times with { Live = watch.Elapsed.TotalMilliseconds };
            if (end.State != StoryState.Rejected) return new Act(sample.File, $"was taken; {sample.Code} was expected", false, times);
            if (await IsVisibleAsync(end.Story, cancellationToken)) return new Act(sample.File, "was refused, and is shown all the same", false, times);
            return new Act(sample.File, end.Code == sample.Code ? $"refused: {end.Code}" : $"refused: {end.Code}; {sample.Code} was expected", end.Code == sample.Code, times);
        });
        return act ?? failure!;
    }

    private async Task<Act> ShowSponsoredAsync(CancellationToken cancellationToken)
    {
        var (act, failure) = await TryAsync("a sponsored status", async () =>
        {
            // No sample is long enough for a sponsored status: twice is.
            var clip = Path.Combine(folder, "clip.mp4");
            await MediaCheck.MakeLongerAsync(Path.Combine(samples, "video-compliant.mp4"), clip, cancellationToken);
            return await new SponsoredShow(advertiser, reviewer, ops, friends, bob, clip).PlayAsync(cancellationToken);
        });
        return act ?? failure!;
    }

    /// <summary>Visible until its end, then 404; and when its bucket has ended, rows, blobs, container and key are gone.</summary>
    private async Task<Act> ShowEndAsync(string file, CancellationToken cancellationToken)
    {
        var what = $"{file} for a minute";
        var (act, failure) = await TryAsync(what, async () =>
        {
            var posted = await PostAsync(file, Level.Processed, TimeSpan.FromMinutes(1), cancellationToken);
            var story = posted.Accepted;
            await alice.Poster.FollowAsync(story, (_, _) => { }, untilLive: true, cancellationToken);
            if (story.Ticket is not { Bucket: var bucket }) return new Act(what, "came without a ticket for its erasure", false, posted.Times);
            if (await alice.Poster.VerifyErasureAsync(story.Story, cancellationToken) is not ErasureProof.Pending) return new Act(what, "is said to be erased in its minute", false, posted.Times);
            if (!await IsVisibleAsync(story.Story, cancellationToken)) return new Act(what, "was not visible in its minute", false, posted.Times);

            DateTimeOffset? invisible = null;
            for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience;)
            {
                var now = TimeProvider.System.GetUtcNow();
                if (invisible is null && !await IsVisibleAsync(story.Story, cancellationToken))
                {
                    invisible = now;
                    // With under a second of URL left, which counts whole seconds, a story is not opened any more.
                    if (now < story.ExpiresAt - TimeSpan.FromSeconds(2)) return new Act(what, "was gone before its time", false, posted.Times);
                }
                else if (invisible is null && now > story.ExpiresAt)
                {
                    return new Act(what, "was shown after its end", false, posted.Times);
                }
                var left = await ops.ShowBucketAsync(bucket, cancellationToken);
                if (left is { State: "erased", Left: { Stories: 0, Container: false } })
                {
                    if (invisible is not { } gone) return new Act(what, "its bucket was erased before its time", false, posted.Times);
                    if (await alice.Poster.VerifyErasureAsync(story.Story, cancellationToken) is not ErasureProof.Erased proof) return new Act(what, "its erasure is not proven", false, posted.Times);
                    return new Act(what,
                        $"404 {(gone - story.ExpiresAt).TotalSeconds:+0.0;-0.0} s from its end; rows, blobs, container and key gone {(now - left.Due).TotalSeconds:0.0} s after its bucket's; " +
                        $"it is one of {proof.Record.Stories} in the signed record", true, posted.Times);
                }
                await Task.Delay(Glance, TimeProvider.System, cancellationToken);
            }
            return new Act(what, "is still there", false, posted.Times);
        });
        return act ?? failure!;
    }

    private async Task<bool> IsVisibleAsync(Guid story, CancellationToken cancellationToken)
    {
        try
        {
            await bob.Client.OpenAsync(story, cancellationToken);
            return true;
        }
        catch (StoriesProblemException e) when (e.Code == ProblemCodes.NotFound)
        {
            return false;
        }
    }

    private async Task<Posted> PostAsync(string file, Level level, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        TimeSpan encrypting = default, uploading = default;
        var watch = Stopwatch.StartNew();
        var accepted = await alice.Poster.PostAsync(
            new Draft([Path.Combine(samples, file)], level, lifetime, Audience, Caption(file)),
            (step, _) =>
            {
                if (step == PostStep.Encrypting && encrypting == default) encrypting = watch.Elapsed;
                if (step == PostStep.Uploading && uploading == default) uploading = watch.Elapsed;
            },
            cancellationToken);
        return new Posted(accepted, new ActTimes((uploading - encrypting).TotalMilliseconds, (watch.Elapsed - uploading).TotalMilliseconds));
    }

    /// <summary>One part that fails does not end the show.</summary>
    private static async Task<(T? Result, Act? Failure)> TryAsync<T>(string what, Func<Task<T>> act) where T : class
    {
        try
        {
            return (await act(), null);
        }
        catch (Exception e) when (e is StoriesProblemException or NotGenuineException or KeyMissingException or HttpRequestException or IOException)
        {
            return (null, new Act(what, e is StoriesProblemException problem ? $"{problem.Message} [{problem.Code}]" : e.Message, false));
        }
    }

    /// <summary>A person has few devices, and those of the show are never used again.</summary>
    private async Task TryRemoveDevicesAsync()
    {
        using var limit = new CancellationTokenSource(FarewellLimit);
        foreach (var person in (Session[])[alice, bob, .. friends])
        {
            try
            {
                await person.Client.RemoveDeviceAsync(person.Store.Id, limit.Token);
            }
            catch (Exception e) when (e is StoriesProblemException or HttpRequestException or OperationCanceledException)
            {
                say($"The show's device of {person.Self} could not be removed.");
            }
        }
    }

    private static string Caption(string file) => $"This is {file}";

    private static string Token(string name) => Environment.GetEnvironmentVariable(name) ?? throw new UsageException($"Set {name}; ./stories demo does.");

    private sealed record Posted(StoryProgress Accepted, ActTimes Times);
}
