using Azure.Storage.Blobs.Specialized;
using Hangfire;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Stories.Core.Blobs;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;
using Stories.Worker.Auditing;
using Stories.Worker.Media;

namespace Stories.Tests.Auditing;

/// <summary>Each test plants one trouble, and beside it what looks like it and must not be touched.</summary>
public sealed class AuditTests(LocalServers servers) : IAsyncLifetime
{
    private static readonly TimeSpan BeyondGrace = TimeSpan.FromHours(2);

    private Service service = null!;
    private UserSession alice = null!;
    private AuditRig rig = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers);
        alice = service.User("alice");
        rig = new AuditRig(service);
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task A_service_at_work_shows_nothing_to_an_audit()
    {
        await PostAsync();
        await alice.Client.WithdrawAsync((await PostAsync()).Story, Cancel);
        await alice.PostAsync([Samples.Photo], cancellationToken: Cancel);
        using var http = service.Http("alice");
        await Tus.UploadAsync(http, (await Tus.KeyAsync(service)).Id, new byte[100]);
        await Tus.BeginAsync(http, (await Tus.KeyAsync(service)).Id, 100);
        var ended = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(1), cancellationToken: Cancel);
        service.Clock.MoveTo(ended.ExpiresAt + TimeSpan.FromMinutes(1));
        await service.SweepAsync();

        Assert.Empty(AuditRig.Wrong(await rig.AuditAsync()));
        service.Clock.Advance(BeyondGrace);
        await service.SweepAsync();
        // Its job would have come by now: Hangfire goes by real time.
        await rig.ExecuteAsync($"delete from hangfire.job j using buckets b where b.state = 'Erased' and j.arguments::text like '%' || b.id || '%'");
        Assert.Empty(AuditRig.Wrong(await rig.AuditAsync(AuditMode.RepairAll)));
    }

    [Fact]
    public async Task A_container_without_a_bucket_goes_once_its_end_is_past_and_is_only_told_of_before()
    {
        await PostAsync();
        var ended = await rig.PlantBucketAsync(endedAgo: TimeSpan.FromHours(3));
        var justEnded = await rig.PlantBucketAsync(endedAgo: TimeSpan.FromMinutes(30));
        var notEnded = await rig.PlantBucketAsync(endedAgo: TimeSpan.FromHours(-3));
        var live = rig.Storage.GetBlobContainerClient((await rig.BucketAsync()).Container);
        var pastEnd = service.Clock.GetUtcNow() - TimeSpan.FromHours(3);
        var strangers = new[]
        {
            await rig.PlantContainerAsync(BlobNames.Bucket(rig.Deployment, pastEnd), deployment: null),
            await rig.PlantContainerAsync(BlobNames.Bucket(rig.Deployment, pastEnd), "another"),
            await rig.PlantContainerAsync(BlobNames.Bucket("x" + rig.Deployment, pastEnd), "x" + rig.Deployment),
            await rig.PlantContainerAsync($"backup-of-{rig.Deployment}", rig.Deployment),
            await rig.PlantContainerAsync($"00000000-{rig.Deployment}-20200101000000-00000000", rig.Deployment),
        };

        await rig.AssertMendsAsync("containers of no bucket", found: 3, repaired: 1);

        Assert.False(await ended.ExistsAsync(Cancel));
        Assert.True(await justEnded.ExistsAsync(Cancel) && await notEnded.ExistsAsync(Cancel) && await live.ExistsAsync(Cancel));
        foreach (var stranger in strangers)
        {
            Assert.True(await stranger.ExistsAsync(Cancel));
            await stranger.DeleteAsync(cancellationToken: Cancel);
        }
    }

    [Fact]
    public async Task A_container_that_came_back_after_its_bucket_was_erased_goes()
    {
        await PostAsync();
        await service.LetEverythingEndAsync();
        var erased = await rig.BucketAsync();
        Assert.Equal(BucketState.Erased, erased.State);
        var back = await rig.PlantContainerAsync(erased.Container, rig.Deployment);
        service.Clock.Advance(BeyondGrace);

        await rig.AssertMendsAsync("containers of no bucket", found: 1, repaired: 1);

        Assert.False(await back.ExistsAsync(Cancel));
    }

    [Fact]
    public async Task A_blob_that_no_rendition_names_goes_and_key_renditions_and_the_output_of_work_going_on_stay()
    {
        var posted = await PostAsync();
        var container = rig.Storage.GetBlobContainerClient((await rig.BucketAsync()).Container);
        // In another bucket a worker is at it.
        await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromHours(12), cancellationToken: Cancel);
        var begun = service.Clock.GetUtcNow();
        await rig.ExecuteAsync($"update stories set started_at = {begun}, claimed_until = {begun} where id <> {posted.Story}");
        var atWork = rig.Storage.GetBlobContainerClient(await service.ReadAsync(db => db.Buckets.Where(b => b.Container != container.Name).Select(b => b.Container).SingleAsync(Cancel)));
        var output = await AuditRig.PlantBlobAsync(atWork);
        var orphan = await AuditRig.PlantBlobAsync(container);
        Assert.Equal((0, 0), AuditRig.Of(await rig.AuditAsync(AuditMode.RepairAll), "blobs that no rendition names"));
        service.Clock.Advance(BeyondGrace);

        await rig.AssertMendsAsync("blobs that no rendition names", found: 1, repaired: 1);

        Assert.False(await container.GetBlobClient(orphan).ExistsAsync(Cancel));
        Assert.True(await atWork.GetBlobClient(output).ExistsAsync(Cancel));
        Assert.True(await container.GetBlobClient(BlobNames.BucketKey).ExistsAsync(Cancel));
        await ViewAsync(posted.Story);

        // Once that work has ended, the blob is nobody's.
        await rig.ExecuteAsync($"update stories set work = 'Done'");
        await rig.AssertMendsAsync("blobs that no rendition names", found: 1, repaired: 1);
    }

    [Fact]
    public async Task A_rendition_whose_blob_is_gone_is_shown_no_more_and_its_other_sizes_are()
    {
        var posted = await PostAsync();
        var lost = await service.ReadAsync(db => db.Renditions.AsNoTracking().OrderBy(r => r.Part).FirstAsync(Cancel));
        await rig.Storage.GetBlobContainerClient((await rig.BucketAsync()).Container).GetBlobClient(lost.BlobName).DeleteAsync(cancellationToken: Cancel);

        await rig.AssertMendsAsync("renditions without their blob", found: 1, repaired: 1);

        var opened = await alice.Viewer.OpenAsync(posted.Story, Cancel);
        Assert.DoesNotContain(opened.View.Renditions, r => r.Part == lost.Part);
        Assert.NotEmpty(opened.View.Renditions);
        Assert.Contains(service.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("renditions without their blob", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_bucket_whose_container_or_key_is_gone_is_told_of_and_ends_when_it_was_to_end(bool isContainerGone)
    {
        await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromHours(12), cancellationToken: Cancel);
        var twin = await rig.BucketAsync();
        var posted = await PostAsync();
        var lost = await service.ReadAsync(db => db.Buckets.AsNoTracking().SingleAsync(b => b.Id != twin.Id, Cancel));
        var container = rig.Storage.GetBlobContainerClient(lost.Container);
        await (isContainerGone ? container.DeleteAsync(cancellationToken: Cancel) : container.GetBlobClient(BlobNames.BucketKey).DeleteAsync(cancellationToken: Cancel));

        Assert.Equal((1, 0), AuditRig.Of(await rig.AuditAsync(AuditMode.RepairAll), "open buckets without their key"));

        Assert.Contains(service.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("1 open buckets without their key", StringComparison.Ordinal));
        Assert.Equal(2, await service.ReadAsync(db => db.Buckets.CountAsync(b => b.State == BucketState.Open, Cancel)));
        Assert.Equal(1, await service.ReadAsync(db => db.Stories.CountAsync(s => s.Id == posted.Story, Cancel)));
        service.Clock.MoveTo(lost.EndsAt);
        await service.SweepAsync();
        Assert.Equal(BucketState.Erased, await service.ReadAsync(db => db.Buckets.Where(b => b.Id == lost.Id).Select(b => b.State).SingleAsync(Cancel)));
        Assert.False(await container.ExistsAsync(Cancel));
    }

    [Fact]
    public async Task Ingest_bytes_of_no_upload_go_committed_or_not_and_those_of_an_upload_stay()
    {
        using var http = service.Http("alice");
        var key = (await Tus.KeyAsync(service)).Id;
        await Tus.UploadAsync(http, key, new byte[100]);
        using (var half = await Tus.PatchAsync(http, await Tus.BeginAsync(http, key, 100), 0, new byte[50])) Assert.True(half.IsSuccessStatusCode);
        var kept = await Remains.IngestAsync(service);
        await AuditRig.PlantBlobAsync(rig.Ingest);
        await rig.Ingest.GetBlockBlobClient(BlobNames.NewBlob()).StageBlockAsync(BlobNames.NewBlock(), new BinaryData("half").ToStream(), cancellationToken: Cancel);
        // A row that says its bytes are gone.
        var forgotten = await Tus.UploadAsync(http, key, new byte[100]);
        await rig.ExecuteAsync($"update uploads set bytes_gone_at = created_at where id = {forgotten}");
        Assert.Equal((0, 0), AuditRig.Of(await rig.AuditAsync(AuditMode.RepairAll), "ingest blobs of no upload"));
        service.Clock.Advance(BeyondGrace);

        await rig.AssertMendsAsync("ingest blobs of no upload", found: 3, repaired: 3);

        Assert.Equal(kept.Order(StringComparer.Ordinal), (await Remains.IngestAsync(service)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_upload_whose_bytes_are_gone_is_told_of()
    {
        using var http = service.Http("alice");
        var key = (await Tus.KeyAsync(service)).Id;
        await Tus.UploadAsync(http, key, new byte[100]);
        await Tus.BeginAsync(http, key, 100);
        var lost = await Tus.UploadAsync(http, key, new byte[100]);
        var blob = await service.ReadAsync(db => db.Uploads.Where(u => u.Id == lost).Select(u => u.BlobName).SingleAsync(Cancel));
        await rig.Ingest.GetBlobClient(blob).DeleteAsync(cancellationToken: Cancel);

        await rig.AssertMendsAsync("uploads without their bytes", found: 1, repaired: 0);

        Assert.Contains(service.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains($"upload {lost}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_bucket_that_nobody_erased_is_erased()
    {
        await PostAsync();
        await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromHours(1), cancellationToken: Cancel);
        service.Clock.Advance(TimeSpan.FromHours(1) + TimeSpan.FromMinutes(4));
        Assert.Equal((1, 0), AuditRig.Of(await rig.AuditAsync(AuditMode.Repair), "buckets overdue"));
        service.Clock.Advance(TimeSpan.FromHours(1));

        await rig.AssertMendsAsync("buckets overdue", found: 1, repaired: 1);

        Assert.Equal([BucketState.Erased, BucketState.Open], await service.ReadAsync(db => db.Buckets.OrderBy(b => b.EndsAt).Select(b => b.State).ToListAsync(Cancel)));
    }

    [Fact]
    public async Task Rows_of_an_erased_or_missing_bucket_go_and_their_bytes_with_them()
    {
        var kept = await PostAsync();
        await alice.Client.MarkSeenAsync(kept.Story, Cancel);
        var lost = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromHours(12), cancellationToken: Cancel);
        var late = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromHours(6), cancellationToken: Cancel);
        await rig.ExecuteAsync($"update stories set bucket_id = {Guid.NewGuid()} where id = {lost.Story}");
        await rig.ExecuteAsync($"update buckets set state = 'Erased', erased_at = {service.Clock.GetUtcNow()} where id = (select bucket_id from stories where id = {late.Story})");
        // Marks that say another bucket than their story's.
        await rig.ExecuteAsync($"insert into seen (story_id, bucket_id, app, \"user\") values ({kept.Story}, {Guid.NewGuid()}, 'chat', 'mallory')");
        service.Clock.Advance(BeyondGrace);

        await rig.AssertMendsAsync("rows of no bucket", found: 3, repaired: 3);

        Assert.Equal([kept.Story], await service.ReadAsync(db => db.Stories.Select(s => s.Id).ToListAsync(Cancel)));
        Assert.Equal(["alice"], await service.ReadAsync(db => db.Seen.Select(s => s.User).ToListAsync(Cancel)));
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.All(await service.ReadAsync(db => db.Uploads.Where(u => u.StoryId != kept.Story).ToListAsync(Cancel)), u => Assert.True(u.StoryId is null && u.BytesGoneAt is not null));
        await ViewAsync(kept.Story);
    }

    [Fact]
    public async Task An_upload_says_no_more_of_a_story_that_is_gone()
    {
        var kept = await PostAsync();
        var gone = await PostAsync();
        await rig.ExecuteAsync($"delete from stories where id = {gone.Story}");

        await rig.AssertMendsAsync("uploads of no story", found: 1, repaired: 1);

        Assert.Equal([null, kept.Story], await service.ReadAsync(db => db.Uploads.Select(u => u.StoryId).OrderBy(s => s == null ? 0 : 1).ToListAsync(Cancel)));
    }

    [Fact]
    public async Task A_departure_that_takes_more_than_an_hour_is_told_of()
    {
        await service.ReadAsync(async db =>
        {
            db.Departures.Add(Departure.Ask("chat", "long", service.Clock.GetUtcNow() - BeyondGrace));
            db.Departures.Add(Departure.Ask("chat", "new", service.Clock.GetUtcNow()));
            return await db.SaveChangesAsync(Cancel);
        });

        await rig.AssertMendsAsync("departures unfinished", found: 1, repaired: 0);
    }

    [Fact]
    public async Task A_job_that_is_to_come_for_a_bucket_that_is_gone_is_deleted_and_one_that_says_more_is_told_of()
    {
        await PostAsync();
        var bucket = await rig.BucketAsync();
        var jobs = service.Worker.GetRequiredService<IBackgroundJobClient>();
        var scheduled = await JobsAsync("Scheduled");
        Assert.Single(scheduled);
        var unknown = Guid.NewGuid();
        jobs.Schedule<IEraseBucket>(job => job.RunAsync(unknown, CancellationToken.None), TimeSpan.FromDays(1));
        var talkative = jobs.Schedule<ITalkative>(job => job.RunAsync("canary-name"), TimeSpan.FromDays(1));
        service.Clock.Advance(BeyondGrace);

        await rig.AssertMendsAsync("job arguments", found: 2, repaired: 1);

        Assert.Equal([.. scheduled, talkative], await JobsAsync("Scheduled"));
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains("canary-name", StringComparison.Ordinal));

        // And once the bucket itself is erased before its job comes.
        await rig.ExecuteAsync($"update buckets set state = 'Erased', erased_at = {service.Clock.GetUtcNow()} where id = {bucket.Id}");
        service.Clock.Advance(BeyondGrace);
        Assert.Equal((2, 1), AuditRig.Of(await rig.AuditAsync(AuditMode.Repair), "job arguments"));
        Assert.Equal([talkative], await JobsAsync("Scheduled"));
    }

    [Fact]
    public async Task However_many_jobs_there_are_each_is_looked_at()
    {
        await rig.ExecuteAsync($"""
            insert into hangfire.job (statename, invocationdata, arguments, createdat) select 'Enqueued', jsonb_build_object(), case n when 501 then '["canary-name"]' else '[null]' end::jsonb, now()
            from generate_series(1, 1203) n
            """);
        service.Clock.Advance(BeyondGrace);
        var line = AuditRig.Line(await rig.AuditAsync(), "job arguments");
        Assert.Equal((1, null), (line.Found, line.Trouble));
        Assert.InRange(line.LookedAt, 1203, 1300);
    }

    [Fact]
    public async Task Jobs_that_have_ended_do_not_outstay_their_time()
    {
        var jobs = service.Worker.GetRequiredService<IBackgroundJobClient>();
        var (ended, waiting, failed) = (jobs.Enqueue<ISweep>(job => job.RunAsync(CancellationToken.None)), jobs.Enqueue<ISweep>(job => job.RunAsync(CancellationToken.None)), jobs.Enqueue<ISweep>(job => job.RunAsync(CancellationToken.None)));
        Assert.True(jobs.Delete(ended));
        // As one whose type is not there any more.
        await rig.ExecuteAsync($"""
            with state as (insert into hangfire.state (jobid, name, createdat) select id, 'Failed', now() from hangfire.job where id::text = {failed} returning id, jobid)
            update hangfire.job j set statename = 'Failed', stateid = state.id from state where j.id = state.jobid
            """);
        Assert.Equal((0, 0), AuditRig.Of(await rig.AuditAsync(AuditMode.RepairAll), "jobs kept too long"));
        service.Clock.Advance(TimeSpan.FromHours(2));
        await rig.AssertMendsAsync("jobs kept too long", found: 1, repaired: 1);
        Assert.Equal([waiting], await JobsAsync("Enqueued"));
        Assert.Equal([failed], await JobsAsync("Failed"));

        service.Clock.Advance(TimeSpan.FromDays(1));
        await rig.AuditAsync(AuditMode.Repair);
        Assert.Empty(await JobsAsync("Failed"));
        Assert.Equal([waiting], await JobsAsync("Enqueued"));
    }

    [Fact]
    public async Task A_lock_that_a_killed_process_left_in_the_job_tables_is_told_of()
    {
        await rig.ExecuteAsync($"insert into hangfire.lock (resource, updatecount, acquired) values ('left', 0, {service.Clock.GetUtcNow() - BeyondGrace}), ('held', 0, {service.Clock.GetUtcNow()})");
        await rig.AssertMendsAsync("job locks kept too long", found: 1, repaired: 0);
    }

    [Fact]
    public async Task Scratch_of_a_dead_process_goes_and_what_a_living_one_works_on_stays()
    {
        await using var work = service.Worker.GetRequiredService<ScratchRoom>().Open();
        await File.WriteAllTextAsync(work.File("plain"), "text", Cancel);
        var dead = Directory.CreateDirectory(Path.Combine(service.Settings["Media:ScratchFolder"]!, "stories-scratch-of-the-dead", "work"));
        await File.WriteAllTextAsync(Path.Combine(dead.FullName, "plain"), "text", Cancel);
        Assert.Equal((1, 0), AuditRig.Of(await rig.AuditAsync(AuditMode.Repair), "scratch of the dead (here)"));
        service.Clock.Advance(BeyondGrace);

        await rig.AssertMendsAsync("scratch of the dead (here)", found: 1, repaired: 1);

        Assert.False(dead.Parent!.Exists && Directory.Exists(dead.Parent.FullName));
        Assert.True(File.Exists(work.File("plain")));
    }

    [Fact]
    public async Task Keys_past_their_life_go_and_living_ones_stay()
    {
        var (row, files) = (await service.ReadAsync(db => db.ProcessingKeys.AsNoTracking().SingleAsync(Cancel)), Directory.GetFiles(service.KeyFolder));
        var end = service.Clock.GetUtcNow() - BeyondGrace;
        await rig.ExecuteAsync($"""
            insert into processing_keys select gen_random_uuid(), recipient, made_at, not_after, {end}, wrapped_by, wrapped, entry, entry_signature, entry_key from processing_keys
            """);
        var old = Path.Combine(service.KeyFolder, $"kek-{end - TimeSpan.FromHours(48):yyyyMMddHHmmss}");
        await File.WriteAllTextAsync(old, "old", Cancel);

        await rig.AssertMendsAsync("keys past their life", found: 2, repaired: 2);

        Assert.Equal(row.Id, await service.ReadAsync(db => db.ProcessingKeys.Select(k => k.Id).SingleAsync(Cancel)));
        Assert.Equal(files.Order(StringComparer.Ordinal), Directory.GetFiles(service.KeyFolder).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_nothing_dates_is_mended_only_when_an_earlier_run_has_seen_it_too()
    {
        await PostAsync();
        await service.ReadAsync(async db => await rig.Storage.GetBlobContainerClient((await rig.BucketAsync()).Container)
            .GetBlobClient((await db.Renditions.FirstAsync(Cancel)).BlobName).DeleteAsync(cancellationToken: Cancel));

        Assert.Equal((1, 0), AuditRig.Of(await rig.AuditAsync(AuditMode.Repair, isOperator: false), "renditions without their blob"));
        Assert.Equal((1, 1), AuditRig.Of(await rig.AuditAsync(AuditMode.Repair, isOperator: false), "renditions without their blob"));
    }

    [Fact]
    public async Task A_run_that_would_mend_too_much_mends_nothing_and_turns_health_red_until_an_operator_says_that_it_is_right()
    {
        // As with an empty database over a full account.
        for (var i = 0; i < 11; i++) await AuditRig.PlantBlobAsync(rig.Ingest);
        var ended = await rig.PlantBucketAsync(endedAgo: TimeSpan.FromHours(3));
        service.Clock.Advance(BeyondGrace);

        var report = await rig.AuditAsync(AuditMode.Repair, isOperator: false);
        Assert.True(report.IsTooMuch);
        Assert.Equal(11, (await Remains.IngestAsync(service)).Count);
        Assert.True(await ended.ExistsAsync(Cancel));
        Assert.Contains(service.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("./stories audit --repair --all", StringComparison.Ordinal));
        Assert.Equal(HealthStatus.Unhealthy, (await service.Worker.HealthAsync("audit")).Status);
        Assert.Contains("wrong database", (await service.Worker.HealthAsync("audit")).Description, StringComparison.Ordinal);

        await rig.AuditAsync(AuditMode.RepairAll);
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.False(await ended.ExistsAsync(Cancel));
        await rig.AuditAsync(AuditMode.Repair, isOperator: false);
        Assert.Equal(HealthStatus.Healthy, (await service.Worker.HealthAsync("audit")).Status);
    }

    [Fact]
    public async Task Living_stories_are_not_taken_for_lost_because_none_can_be_seen()
    {
        // As from a worker that looks at the wrong account.
        var posted = await PostAsync();
        var bucket = await rig.BucketAsync();
        foreach (var blob in await service.ReadAsync(db => db.Renditions.Select(r => r.BlobName).ToListAsync(Cancel)))
            await rig.Storage.GetBlobContainerClient(bucket.Container).GetBlobClient(blob).DeleteAsync(cancellationToken: Cancel);

        for (var run = 0; run < 3; run++) Assert.True((await rig.AuditAsync(AuditMode.Repair, isOperator: run > 1)).IsTooMuch == run > 0);

        Assert.Equal(posted.Story, await service.ReadAsync(db => db.Stories.Select(s => s.Id).SingleAsync(Cancel)));
        Assert.Equal(2, await service.ReadAsync(db => db.Renditions.CountAsync(Cancel)));
        Assert.Equal((2, 2), AuditRig.Of(await rig.AuditAsync(AuditMode.RepairAll), "renditions without their blob"));
    }

    [Fact]
    public async Task What_is_past_its_time_whatever_storage_says_goes_although_there_is_too_much_else()
    {
        for (var i = 0; i < 11; i++) await AuditRig.PlantBlobAsync(rig.Ingest);
        await service.User("alice").PostAsync([Samples.Photo], cancellationToken: Cancel);
        await rig.ExecuteAsync($"update hangfire.job set expireat = createdat - interval '1 day'");
        service.Clock.Advance(BeyondGrace);

        var report = await rig.AuditAsync(AuditMode.Repair, isOperator: false);

        Assert.True(report.IsTooMuch);
        Assert.Equal((11, 0), AuditRig.Of(report, "ingest blobs of no upload"));
        var (found, repaired) = AuditRig.Of(report, "jobs kept too long");
        Assert.True(found > 0 && found == repaired);
    }

    [Fact]
    public async Task No_run_mends_more_than_the_option_says_however_much_else_is_right()
    {
        var few = await Service.StartAsync(servers, new Dictionary<string, string?> { ["Audit:MostRepairs"] = "2" });
        await using var _ = few;
        var fewRig = new AuditRig(few);
        for (var i = 0; i < 3; i++) await AuditRig.PlantBlobAsync(fewRig.Ingest);
        few.Clock.Advance(BeyondGrace);

        Assert.True((await fewRig.AuditAsync(AuditMode.Repair)).IsTooMuch);
        Assert.Equal(3, (await Remains.IngestAsync(few)).Count);
    }

    [Fact]
    public async Task Trouble_with_one_check_does_not_keep_the_others_from_being_made()
    {
        await rig.ExecuteAsync($"drop table departures");
        var orphan = await AuditRig.PlantBlobAsync(rig.Ingest);
        service.Clock.Advance(BeyondGrace);

        var report = await rig.AuditAsync(AuditMode.Repair);

        Assert.Equal("PostgresException 42P01", AuditRig.Line(report, "departures unfinished").Trouble);
        Assert.False(report.IsClean);
        Assert.False(await rig.Ingest.GetBlobClient(orphan).ExistsAsync(Cancel));
    }

    [Fact]
    public async Task Of_two_audits_at_once_one_is_made()
    {
        await using var source = NpgsqlDataSource.Create(service.Database);
        await using (await Core.Data.AdvisoryLock.TryTakeAsync(source, "audit", Cancel)) Assert.Null(await rig.AuditAsync());
        Assert.NotNull(await rig.AuditAsync());
    }

    private async Task<StoryProgress> PostAsync()
    {
        var posted = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromHours(24), cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        return posted;
    }

    private async Task ViewAsync(Guid story)
    {
        var opened = await alice.Viewer.OpenAsync(story, Cancel);
        Assert.NotEmpty(opened.Renditions!.Renditions);
        foreach (var rendition in opened.Renditions.Renditions) await alice.Viewer.DownloadAsync(opened, rendition, Stream.Null, Cancel);
    }

    private Task<List<string>> JobsAsync(string state) =>
        service.ReadAsync(db => db.Database.SqlQuery<string>($"select id::text as \"Value\" from hangfire.job where statename = {state} order by id").ToListAsync(Cancel));
}

/// <summary>A job as none of ours may be: it says a name.</summary>
public interface ITalkative
{
    [Queue(Queues.Erase)]
    Task RunAsync(string name);
}
