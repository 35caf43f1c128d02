using Microsoft.EntityFrameworkCore;
using Npgsql;
using Stories.Client;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

/// <summary>Private by construction: a run with planted words, then every log line, job table and refusal is searched for them.</summary>
public sealed class SecrecyTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_name_key_caption_or_signed_URL_is_in_any_log_job_table_or_refusal()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("canary-user-alice");
        var bob = service.User("canary-user-bob", Service.PhotosApp);
        await alice.Audiences.RegisterAsync(Cancel);
        await bob.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel);

        var secrets = new List<string> { "canary-user", "CANARY-", "canary-caption", alice.Store.Identity.ExportSecret(), bob.Store.Identity.ExportSecret(), "AGE-SECRET-KEY", "sig=", "Bearer ey" };
        var refusals = new List<string>();
        foreach (var sample in Samples.All)
        {
            var posted = await alice.PostAsync([Samples.PathOf(sample.File)], caption: "canary-caption", cancellationToken: Cancel);
            await service.ProcessAsync(posted.Story, Cancel);
            var end = await alice.Client.WatchProgressAsync(posted.Story, Cancel);
            Assert.Equal(sample.Code, end.Code);
            if (sample.Code is not null) continue;
            var opened = await bob.Viewer.OpenAsync(posted.Story, Cancel);
            secrets.Add(opened.Manifest.Recipient);
            secrets.AddRange(opened.View.Renditions.Select(r => r.Url.Split("sig=")[1].Split('&')[0]));
        }
        using var http = service.Http("canary-user-mallory");
        foreach (var (method, path) in new[] { ("GET", "v1/stories/canary-user"), ("PUT", $"v1/stories/{Guid.NewGuid()}"), ("GET", "v1/tray/canary-user?x=CANARY-"), ("POST", "v1/uploads"), ("DELETE", $"v1/uploads/{Guid.NewGuid()}") })
        {
            using var answer = await http.SendAsync(Tus.Request(new HttpMethod(method), path), Cancel);
            if (!answer.IsSuccessStatusCode) refusals.Add(await answer.Content.ReadAsStringAsync(Cancel));
        }

        var jobs = await HangfireAsync(service.Database);
        Assert.True(jobs.Count > Samples.All.Count && jobs.Any(j => j.Contains("RunAsync", StringComparison.Ordinal)));
        Assert.True(refusals.Count >= 3);
        Assert.Contains(service.Log.Lines, line => line.Contains("update stories", StringComparison.OrdinalIgnoreCase));
        foreach (var secret in secrets.Distinct())
        {
            Assert.DoesNotContain(service.Log.Lines, line => line.Contains(secret, StringComparison.Ordinal));
            Assert.DoesNotContain(jobs, row => row.Contains(secret, StringComparison.Ordinal));
            Assert.DoesNotContain(refusals, text => text.Contains(secret, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_database_holds_no_caption_no_audience_name_no_key_and_nothing_of_the_media()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var posted = await alice.Poster.PostAsync(new Draft([Samples.Photo], Level.Processed, TimeSpan.FromHours(1), "canary-audience", "canary-caption"), (_, _) => { }, Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        var everything = new List<string>();
        foreach (var table in await service.ReadAsync(db => db.Database.SqlQuery<string>($"select table_name::text as \"Value\" from information_schema.tables where table_schema = 'public'").ToListAsync(Cancel)))
            everything.AddRange(await RowsAsync(service.Database, $"public.\"{table}\""));
        Assert.NotEmpty(everything);
        var hex = Convert.ToHexStringLower("canary"u8);
        Assert.DoesNotContain(everything, row => row.Contains("canary", StringComparison.OrdinalIgnoreCase) || row.Contains(hex, StringComparison.Ordinal) || row.Contains("SECRET-KEY", StringComparison.Ordinal) || row.Contains(Convert.ToHexStringLower("AGE-SECRET"u8), StringComparison.Ordinal));
        Assert.DoesNotContain(everything, row => row.Contains("image/", StringComparison.Ordinal) || row.Contains("photo-1080", StringComparison.Ordinal));
    }

    private static async Task<List<string>> HangfireAsync(string database)
    {
        var rows = new List<string>();
        foreach (var table in new[] { "job", "state", "jobparameter", "jobqueue", "hash", "set", "list", "counter", "server" }) rows.AddRange(await RowsAsync(database, $"hangfire.\"{table}\""));
        return rows;
    }

    private static async Task<List<string>> RowsAsync(string database, string table)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand($"select to_jsonb(t)::text from {table} t");
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        var rows = new List<string>();
        while (await reader.ReadAsync(Cancel)) rows.Add(reader.GetString(0));
        return rows;
    }
}
