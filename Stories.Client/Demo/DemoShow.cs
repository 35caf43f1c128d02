using System.Diagnostics;
using System.Text.Json;
using Spectre.Console;
using Stories.Client.Sessions;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client.Demo;

/// <summary>One line of the show's table.</summary>
internal sealed record Act(string What, string Outcome, bool Succeeded, double UploadMs = 0, double LiveMs = 0, double OpenMs = 0, long Bytes = 0);

/// <summary>
/// The main job on the running service, as two people of two apps see it, with every sample; then one story watched until
/// nothing of it is left. Fails if any part of it fails.
/// </summary>
internal sealed class DemoShow : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly string folder = Directory.CreateTempSubdirectory("stories-demo-").FullName;
    private readonly Session alice;
    private readonly Session bob;
    private readonly StoriesClient ops;
    private readonly string samples;
    private readonly List<Act> acts = [];

    private DemoShow(string samples)
    {
        this.samples = samples;
        alice = new Session(Session.Service(), Variable("STORIES_TOKEN_ALICE"), Path.Combine(folder, "alice"));
        bob = new Session(Session.Service(), Variable("STORIES_TOKEN_BOB"), Path.Combine(folder, "bob"));
        ops = new StoriesClient(Session.Service(), Variable("STORIES_TOKEN_OPS"));
    }

    public static async Task<int> RunAsync(string samples, bool json, CancellationToken cancellationToken)
    {
        using var show = new DemoShow(samples);
        await show.PlayAsync(json, cancellationToken);
        if (json) Console.WriteLine(JsonSerializer.Serialize(show.acts, StoriesJson.Options));
        else show.Print();
        return show.acts.TrueForAll(a => a.Succeeded) ? ExitCodes.Done : ExitCodes.Failed;
    }

    public void Dispose()
    {
        alice.Dispose();
        bob.Dispose();
        ops.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task PlayAsync(bool quiet, CancellationToken cancellationToken)
    {
        void Say(string text)
        {
            if (!quiet) Console.WriteLine(text);
        }

        Say($"{alice.Self} posts, {bob.Self} watches from another app.");
        await alice.Audiences.RegisterAsync(cancellationToken);
        await bob.Audiences.RegisterAsync(cancellationToken);
        await alice.Audiences.ChangeAsync("demo", [bob.Self], [], cancellationToken);

        // Posted first: its minute passes while the rest is shown.
        var brief = await PostAsync("photo.webp", Level.Processed, TimeSpan.FromMinutes(1), cancellationToken);
        var expected = JsonSerializer.Deserialize<List<Expected>>(await File.ReadAllTextAsync(Path.Combine(samples, "expected.json"), cancellationToken), StoriesJson.Options)!;
        foreach (var sample in expected)
        {
            Say($"  {sample.File}");
            acts.Add(await ShowAsync(sample, Level.Processed, cancellationToken));
        }
        acts.Add(await ShowAsync(expected.First(s => s.Code is null && s.Lane == Lane.Video), Level.Clear, cancellationToken));
        Say("  one story of a minute, until nothing of it is left (up to two more minutes)");
        acts.Add(await WatchEndAsync(brief, cancellationToken));
    }

    /// <summary>Posts a sample; the good ones are found in the tray, opened, decrypted and checked by the other person.</summary>
    private async Task<Act> ShowAsync(Expected sample, Level level, CancellationToken cancellationToken)
    {
        var what = level == Level.Clear ? $"{sample.File} (clear)" : sample.File;
        try
        {
            var watch = Stopwatch.StartNew();
            var accepted = await PostAsync(sample.File, level, TimeSpan.FromHours(24), cancellationToken);
            var uploaded = watch.Elapsed;
            var end = await alice.Poster.FollowAsync(accepted, (_, _) => { }, untilLive: sample.Code is null, cancellationToken);
            var live = watch.Elapsed - uploaded;
            if (sample.Code is not null)
                return new Act(what, end.Code is null ? $"was taken, {sample.Code} expected" : $"refused: {end.Code}", end.State == StoryState.Rejected && end.Code == sample.Code, uploaded.TotalMilliseconds);
            if (end.State != StoryState.Live) return new Act(what, $"refused: {end.Code}", false);
            await alice.Poster.FollowAsync(end, (_, _) => { }, cancellationToken: cancellationToken);

            watch.Restart();
            var tray = await bob.Client.ShowTrayAsync(cancellationToken);
            if (!tray.Authors.Any(a => a.Author == alice.Self.ToString() && a.Stories.Any(s => s.Story == accepted.Story))) return new Act(what, "is not in the tray", false);
            var opened = await bob.Viewer.OpenAsync(accepted.Story, cancellationToken);
            var bytes = 0L;
            foreach (var rendition in opened.Renditions!.Renditions)
            {
                var file = Path.Combine(folder, "seen");
                await using (var content = File.Create(file)) await bob.Viewer.DownloadAsync(opened, rendition, content, cancellationToken);
                bytes += rendition.ContentLength;
                if (await MediaCheck.FindFaultAsync(file, rendition, sample, cancellationToken) is { } fault) return new Act(what, $"{rendition.Name}: {fault}", false);
            }
            await bob.Client.MarkSeenAsync(accepted.Story, cancellationToken);
            return new Act(what, string.Join(", ", opened.Renditions.Renditions.Select(r => r.Name)), true, uploaded.TotalMilliseconds, live.TotalMilliseconds, watch.Elapsed.TotalMilliseconds, bytes);
        }
        catch (Exception e) when (e is StoriesProblemException or NotGenuineException or Age.AgeException or HttpRequestException)
        {
            return new Act(what, e is StoriesProblemException problem ? $"{problem.Message} [{problem.Code}]" : e.Message, false);
        }
    }

    private async Task<Act> WatchEndAsync(StoryProgress story, CancellationToken cancellationToken)
    {
        const string what = "a story of one minute";
        var end = await alice.Poster.FollowAsync(story, (_, _) => { }, cancellationToken: cancellationToken);
        if (end.State is not StoryState.Live) return new Act(what, "did not become live", false);
        var bucket = (await ops.ListBucketsAsync(cancellationToken)).Buckets.Where(b => b.Due >= story.ExpiresAt).MinBy(b => b.Due);
        if (bucket is null) return new Act(what, "has no bucket", false);

        var watch = Stopwatch.StartNew();
        DateTimeOffset? invisible = null;
        while (watch.Elapsed < Patience)
        {
            var now = TimeProvider.System.GetUtcNow();
            if (invisible is null && !await IsVisibleAsync(story.Story, cancellationToken))
            {
                invisible = now;
                // With under a second of URL left, which counts whole seconds, a story is not opened any more.
                if (now < story.ExpiresAt - TimeSpan.FromSeconds(2)) return new Act(what, "was gone before its time", false);
            }
            var left = await ops.ShowBucketAsync(bucket.Id, cancellationToken);
            if (left is { State: "erased", Left: { Stories: 0, Container: false } })
            {
                return new Act(what, $"404 {(invisible!.Value - story.ExpiresAt).TotalSeconds:+0.0;-0.0} s from its end; rows, blobs, container and key gone {(now - left.Due).TotalSeconds:0.0} s after its bucket's", invisible is not null);
            }
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken);
        }
        return new Act(what, "is still there", false);
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

    private Task<StoryProgress> PostAsync(string file, Level level, TimeSpan lifetime, CancellationToken cancellationToken) =>
        alice.Poster.PostAsync(new Draft([Path.Combine(samples, file)], level, lifetime, "demo", $"This is {file}"), (_, _) => { }, cancellationToken);

    private void Print()
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 160;
        var table = new Table().Border(TableBorder.Rounded);
        table.AddColumns("", "what", "upload ms", "live ms", "open ms", "bytes", "what came of it");
        foreach (var act in acts)
        {
            table.AddRow(act.Succeeded ? "[green]ok[/]" : "[red]FAILED[/]", Markup.Escape(act.What), Number(act.UploadMs), Number(act.LiveMs), Number(act.OpenMs), Number(act.Bytes), Markup.Escape(act.Outcome));
        }
        AnsiConsole.Write(table);
    }

    private static string Number(double value) => value > 0 ? $"{value:0}" : "";

    private static string Variable(string name) => Environment.GetEnvironmentVariable(name) ?? throw new UsageException($"Set {name}; ./stories demo does.");
}

/// <summary>A row of the samples' expected.json.</summary>
internal sealed record Expected(string File, Lane Lane, string? Code = null, double? Seconds = null, bool Audio = false, Dictionary<string, int[]>? Renditions = null);
