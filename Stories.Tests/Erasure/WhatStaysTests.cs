using System.Net;
using System.Text;
using Hangfire;
using Hangfire.States;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Client;
using Stories.Core.Jobs;
using Stories.Core.Keys;
using Stories.Core.Posting;
using Stories.Core.Uploads;
using Stories.Protocol;
using Stories.Tests.Auditing;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;
using Stories.Worker.Auditing;
using Stories.Worker.Keys;

namespace Stories.Tests.Erasure;

/// <summary>Everything that the service can hold is put in, time passes, and then everything is read: rows, blobs, files, logs.</summary>
public sealed class WhatStaysTests(LocalServers servers) : IAsyncLifetime
{
    /// <summary>In a name, a caption or a picture's metadata; no id has such letters.</summary>
    private const string Word = "canary";

    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(1);

    /// <summary>An hour is a long time for a sweep that comes every 15 s, and the most that an audit waits.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromHours(1);

    private Service service = null!;
    private AuditRig rig = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers);
        rig = new AuditRig(service);
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task Nothing_stays_longer_than_the_retention_table_says()
    {
        var stories = await FillStoriesAsync();
        await FillUploadsAsync();
        using (await Dashboard.OpenAsync(service, Cancel, Word + "-operator")) { }
        await EndJobsAsync();
        var begin = service.Clock.GetUtcNow();
        var (keys, files) = (await service.ReadAsync(db => db.ProcessingKeys.Select(k => k.Id).ToListAsync(Cancel)), KeyFiles());
        var full = await Tables.AllRowsAsync(service.Database, Cancel);
        foreach (var table in (string[])["stories", "renditions", "seen", "uploads", "upload_blocks", "buckets", "processing_keys", "data_protection_keys", "epoch_envelopes", "erasure_leaves", "takedowns", "hangfire.job", "hangfire.state"])
            Assert.NotEmpty(full[table]);
        foreach (var state in Enum.GetValues<StoryState>().Except([StoryState.Processing]))
            Assert.Contains(full["stories"], row => row.Contains($"\"state\": \"{state}\"", StringComparison.Ordinal));
        foreach (var state in Enum.GetValues<UploadState>())
            Assert.Contains(full["uploads"], row => row.Contains($"\"state\": \"{state}\"", StringComparison.Ordinal));

        // What the key of a live bucket opens is sealed even while it lives.
        AssertSaysNowhere(full, Word + "-caption", Word + "-audience");

        // A day, hour by hour; each end is looked at right when it is promised.
        foreach (var end in await service.ReadAsync(db => db.Buckets.OrderBy(b => b.EndsAt).Select(b => b.EndsAt).ToListAsync(Cancel)))
        {
            while (service.Clock.GetUtcNow() + Step < end) await PassAsync(Step);
            service.Clock.MoveTo(end + TimeSpan.FromMinutes(1) + Slack);
            await PassAsync(TimeSpan.Zero);
        }
        var afterStories = await Tables.AllRowsAsync(service.Database, Cancel);
        Assert.All((string[])["stories", "renditions", "seen"], table => Assert.Empty(afterStories[table]));
        Assert.Equal(["ingest"], await ContainersAsync());
        Assert.Empty(afterStories["erasure_leaves"]);
        Assert.NotEmpty(afterStories["erasure_records"]);
        AssertSaysNowhere(afterStories, [.. stories.SelectMany(id => new[] { $"{id}", $"{id:N}" })]);

        await PassUntilAsync(begin + TimeSpan.FromHours(24) + Slack);
        var afterUploads = await Tables.AllRowsAsync(service.Database, Cancel);
        Assert.All((string[])["uploads", "upload_blocks"], table => Assert.Empty(afterUploads[table]));
        Assert.Empty(await Remains.IngestAsync(service));

        await PassUntilAsync(begin + ProcessingKey.Life + Slack);
        Assert.Equal(0, await service.ReadAsync(db => db.ProcessingKeys.CountAsync(k => keys.Contains(k.Id), Cancel)));
        await PassUntilAsync(begin + KeyEncryptionKeys.Life + Slack);
        Assert.Equal(["service-key"], KeyFiles().Intersect(files));

        await PassUntilAsync(begin + TimeSpan.FromDays(92), step: TimeSpan.FromDays(10));
        await EndJobsAsync();
        await PassAsync(Step);
        await AssertOnlyWhatStaysAsync();
    }

    [Fact]
    public async Task Jobs_that_have_ended_go_within_their_ten_minutes_of_real_time()
    {
        // Hangfire's clock cannot be moved; what it has written of when can.
        await service.User("alice").PostAsync([Samples.Photo], cancellationToken: Cancel);
        var jobs = service.Worker.GetRequiredService<IBackgroundJobClient>();
        jobs.Delete(jobs.Enqueue<ISweep>(job => job.RunAsync(CancellationToken.None)));
        await EndJobsAsync();
        var ended = await Tables.ReadAsync(service.Database, "select (expireat - now())::text from hangfire.job where statename in ('Succeeded', 'Deleted')", Cancel);
        Assert.Equal(2, ended.Count);
        Assert.All(ended, left => Assert.InRange(TimeSpan.Parse(left, System.Globalization.CultureInfo.InvariantCulture), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(10)));
        Assert.Empty(await Tables.ReadAsync(service.Database, "select id::text from hangfire.job where expireat is null and statename not in ('Scheduled', 'Enqueued')", Cancel));

        await rig.ExecuteAsync($"update hangfire.job set expireat = expireat - interval '10 minutes'");
        await using var worker = service.StartProcess("Worker");
        await service.UntilAsync(async db => await db.Database.SqlQuery<int>($"select count(*)::int as \"Value\" from hangfire.job where expireat < now()").SingleAsync(Cancel) == 0);
    }

    /// <summary>Stories of every level and in every state, seen by somebody in another app, to an audience that has changed.</summary>
    private async Task<List<Guid>> FillStoriesAsync()
    {
        var (alice, bob) = (service.User(Word + "-alice"), service.User(Word + "-bob", Service.PhotosApp));
        await alice.Audiences.RegisterAsync(Cancel);
        await bob.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.FindOrFoundAsync(Word + "-audience", Cancel);
        await alice.Audiences.ChangeAsync(Word + "-audience", [bob.Self], [], Cancel);
        Assert.True(await service.ReadAsync(db => db.AudienceEpochs.CountAsync(Cancel)) >= 2);

        var stories = new List<Guid>();
        stories.Add(await PostAsync(alice, Level.Processed, TimeSpan.FromMinutes(1), Samples.Photo));
        service.Clock.Advance(TimeSpan.FromMinutes(1));
        await service.ProcessAsync(stories[0], Cancel);
        var words = await new Publishing(service, alice) { Payload = Encoding.ASCII.GetBytes(Word) }.PrepareAsync();
        await words.PublishAsync(words.Request(manifest => manifest with { Level = Level.EndToEnd }));
        stories.Add(words.Story);
        stories.Add(await PostAsync(alice, Level.Processed, TimeSpan.FromMinutes(90)));
        foreach (var (level, file) in new[] { (Level.Processed, Samples.Photo), (Level.Clear, Samples.Photo), (Level.Processed, Samples.CompliantVideo), (Level.Processed, Samples.PathOf("hostile-text.jpg")) })
        {
            stories.Add(await PostAsync(alice, level, TimeSpan.FromHours(24), file));
            await service.ProcessAsync(stories[^1], Cancel);
        }
        Assert.True(await service.ReadAsync(db => db.Stories.AnyAsync(s => s.Revision > 1, Cancel)));
        await bob.Client.MarkSeenAsync(stories[3], Cancel);
        var withdrawn = await PostAsync(alice, Level.Processed, TimeSpan.FromHours(2), Samples.Photo);
        await service.ProcessAsync(withdrawn, Cancel);
        await alice.Client.WithdrawAsync(withdrawn, Cancel);
        var takenDown = await PostAsync(alice, Level.Clear, TimeSpan.FromHours(2), Samples.Photo);
        await service.ProcessAsync(takenDown, Cancel);
        using (var moderator = service.Http(Word + "-moderator", "moderate"))
        using (var answer = await moderator.PostAsync($"v1/stories/{takenDown}/takedown", new StringContent("{\"reason\":\"spam\"}", Encoding.UTF8, "application/json"), Cancel))
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        var erased = service.User(Word + "-erased");
        stories.Add((await erased.PostAsync([Samples.Photo], cancellationToken: Cancel)).Story);
        await erased.Client.EraseUserAsync(erased.Self, Cancel);
        // Nobody will come to it.
        return [.. stories, withdrawn, takenDown, await PostAsync(alice, Level.Processed, TimeSpan.FromHours(3), Samples.Photo)];
    }

    private static async Task<Guid> PostAsync(UserSession author, Level level, TimeSpan lifetime, params string[] files) =>
        (await author.Poster.PostAsync(new Draft(files, level, lifetime, Word + "-audience", Word + "-caption"), (_, _) => { }, Cancel)).Story;

    /// <summary>In every state; what a story owns is there already.</summary>
    private async Task FillUploadsAsync()
    {
        using var http = service.Http(Word + "-carol");
        var key = (await Tus.KeyAsync(service)).Id;
        var bytes = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Word, 100)));
        await Tus.BeginAsync(http, key, bytes.Length);
        using (var half = await Tus.PatchAsync(http, await Tus.BeginAsync(http, key, bytes.Length), 0, bytes[..100])) Assert.True(half.IsSuccessStatusCode);
        await Tus.UploadAsync(http, key, bytes);
        // As a process leaves it that dies between the last acknowledged byte and the commit.
        using (var last = await Tus.PatchAsync(http, await Tus.BeginAsync(http, key, bytes.Length), 0, bytes[..200])) Assert.True(last.IsSuccessStatusCode);
        await service.ReadAsync(db => db.Uploads.Where(u => u.Offset == 200).ExecuteUpdateAsync(set => set.SetProperty(u => u.State, UploadState.Received).SetProperty(u => u.Length, 200), Cancel));
    }

    /// <summary>Hangfire's servers do not run here: as if they had done what is queued.</summary>
    private async Task EndJobsAsync()
    {
        var jobs = service.Worker.GetRequiredService<IBackgroundJobClient>();
        foreach (var id in await Tables.ReadAsync(service.Database, "select id::text from hangfire.job where statename = 'Enqueued'", Cancel))
            Assert.True(jobs.ChangeState(id, new SucceededState(null, 0, 0)));
        await rig.ExecuteAsync($"delete from hangfire.jobqueue q using hangfire.job j where j.id = q.jobid and j.statename = 'Succeeded'");
    }

    private async Task PassUntilAsync(DateTimeOffset time, TimeSpan? step = null)
    {
        while (service.Clock.GetUtcNow() < time)
        {
            var left = time - service.Clock.GetUtcNow();
            await PassAsync(left < (step ?? Step) ? left : step ?? Step);
        }
    }

    /// <summary>What everything else has done leaves an audit nothing to find, except in Hangfire's tables, whose servers do not run.</summary>
    private async Task PassAsync(TimeSpan by)
    {
        service.Clock.Advance(by);
        await service.SweepAsync();
        var report = await rig.AuditAsync(AuditMode.Repair, isOperator: false);
        Assert.False(report.IsTooMuch);
        Assert.Empty(AuditRig.Wrong(report with { Lines = [.. report.Lines.Where(line => !line.Check.StartsWith("job", StringComparison.Ordinal))] }));
    }

    private async Task AssertOnlyWhatStaysAsync()
    {
        var rows = await Tables.AllRowsAsync(service.Database, Cancel);
        var stays = RetentionTable.Read().Where(kept => kept.Stays).SelectMany(kept => kept.Where).ToHashSet();
        var left = rows.Where(table => table.Value.Count > 0).Select(table => table.Key).Where(table => !stays.Contains(table)).ToList();
        // The ring goes on turning.
        Assert.Equal(["processing_keys"], left);
        Assert.Equal(["ingest"], await ContainersAsync());
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Empty(Remains.ScratchFiles(service));
        Assert.All(KeyFiles(), file => Assert.Matches("^(service-key|kek-[0-9]{14})$", file));
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains(Word, StringComparison.OrdinalIgnoreCase) || line.Contains("sig=", StringComparison.Ordinal));

        // Names stay where their owners are: with their devices and audiences.
        var named = rows.Where(table => table.Value.Exists(row => row.Contains(Word, StringComparison.OrdinalIgnoreCase))).Select(table => table.Key);
        Assert.Equal(["audience_members", "audiences", "devices"], named.Order(StringComparer.Ordinal));
    }

    private static void AssertSaysNowhere(Dictionary<string, List<string>> rows, params string[] words)
    {
        foreach (var (table, texts) in rows)
        {
            foreach (var word in words.SelectMany(w => new[] { w, Convert.ToHexStringLower(Encoding.ASCII.GetBytes(w)) }))
                Assert.False(texts.Exists(row => row.Contains(word, StringComparison.OrdinalIgnoreCase)), $"{table} says {word}");
        }
    }

    /// <summary>Without what makes each name different.</summary>
    private async Task<List<string>> ContainersAsync()
    {
        var names = new List<string>();
        await foreach (var container in rig.Storage.GetBlobContainersAsync(cancellationToken: Cancel))
            if (container.Name.Split('-').Contains(rig.Deployment)) names.Add(container.Name.Replace("-" + rig.Deployment, "", StringComparison.Ordinal));
        return names;
    }

    private List<string> KeyFiles() => [.. Directory.GetFiles(service.KeyFolder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
}
