using Microsoft.EntityFrameworkCore;
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

        var jobs = (await Tables.AllRowsAsync(service.Database, Cancel)).Where(table => table.Key.StartsWith("hangfire.", StringComparison.Ordinal)).SelectMany(table => table.Value).ToList();
        Assert.True(jobs.Count > Samples.All.Count && jobs.Any(j => j.Contains("RunAsync", StringComparison.Ordinal)));
        Assert.True(refusals.Count >= 3);
        Assert.Contains(service.Log.Lines, line => line.Contains("insert into stories", StringComparison.OrdinalIgnoreCase));
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
        var everything = (await Tables.AllRowsAsync(service.Database, Cancel)).Values.SelectMany(rows => rows).ToList();
        Assert.NotEmpty(everything);
        var hex = Convert.ToHexStringLower("canary"u8);
        Assert.DoesNotContain(everything, row => row.Contains("canary", StringComparison.OrdinalIgnoreCase) || row.Contains(hex, StringComparison.Ordinal) || row.Contains("SECRET-KEY", StringComparison.Ordinal) || row.Contains(Convert.ToHexStringLower("AGE-SECRET"u8), StringComparison.Ordinal));
        Assert.DoesNotContain(everything, row => row.Contains("image/", StringComparison.Ordinal) || row.Contains("photo-1080", StringComparison.Ordinal));
    }
}
