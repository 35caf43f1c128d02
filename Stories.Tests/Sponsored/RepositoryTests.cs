using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Sponsored;

public sealed class RepositoryTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Anybody_reads_without_a_token_what_was_shown_for_whom_who_paid_and_to_whom_it_was_aimed()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.ApprovedAsync(facts: Campaigning.Facts() with { Payer = "Flour Council" });
        var never = await rig.ApprovedAsync(await Campaigning.PictureAsync("mandelbrot=size=540x960"));
        var line = await rig.ActiveLineAsync(creative.Id, rig.Terms(targets: Targets.Everybody with { Countries = ["DE"], Languages = ["de"] }));
        await ShownAsync(rig, creative, line.Id, count: 73);

        var entry = Assert.Single((await ReadAsync(rig)).Entries);

        Assert.NotEqual(never.Digest, entry.Digest);
        Assert.Equal((creative.Digest, "Good Bread", "Good Bread Ltd", "Flour Council"), (entry.Digest, entry.Advertiser, entry.LegalName, entry.Facts.Payer));
        var target = Assert.Single(entry.Targets);
        Assert.Equal(("DE", "de", false), (Assert.Single(target.Countries), Assert.Single(target.Languages), target.AdultsOnly));
        Assert.Equal(73, entry.Shown);
        using var http = new HttpClient();
        foreach (var media in entry.Media) Assert.Equal(media.File.Blob, Digest.Of(await http.GetByteArrayAsync(media.Url, Cancel)));
    }

    [Fact]
    public async Task A_line_that_has_other_creatives_now_is_still_named_with_what_it_has_shown()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var first = await rig.ApprovedAsync();
        var second = await rig.ApprovedAsync(await Campaigning.PictureAsync("mandelbrot=size=540x960"));
        var line = await rig.ActiveLineAsync(first.Id, rig.Terms(targets: Targets.Everybody with { Countries = ["AT"] }));
        await ShownAsync(rig, first, line.Id, count: 60);
        await rig.Ads.ChangeCreativesAsync(line.Id, [second.Id], cancellationToken: Cancel);

        var entry = Assert.Single((await ReadAsync(rig)).Entries);

        Assert.Equal(["AT"], Assert.Single(entry.Targets).Countries);
    }

    [Fact]
    public async Task So_few_showings_that_they_could_be_somebody_are_not_counted_in_public()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.ApprovedAsync();
        var line = await rig.ActiveLineAsync(creative.Id);
        await ShownAsync(rig, creative, line.Id, count: 49);

        Assert.Equal(0, Assert.Single((await ReadAsync(rig)).Entries).Shown);
    }

    [Fact]
    public async Task Page_by_page_each_comes_once_although_they_are_shown_meanwhile_and_were_made_at_one_time()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.ApprovedAsync();
        // One is enough to be rendered: the others are copies of its row.
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
            create temp table copies as select c.* from creatives c, generate_series(1, 120);
            update copies set id = gen_random_uuid(), digest = md5(random()::text) || md5(random()::text);
            insert into creatives select * from copies;
            update creatives set last_shown_at = {rig.Now}
            """, Cancel));

        var found = new List<string>();
        string? before = null;
        do
        {
            var page = await ReadAsync(rig, before);
            found.AddRange(page.Entries.Select(e => e.Digest));
            before = page.Before;
            await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"update creatives set last_shown_at = last_shown_at + interval '5 minutes'", Cancel));
        }
        while (before is not null);

        Assert.Equal(121, found.Count);
        Assert.Equal(121, found.Distinct().Count());
        Assert.Contains(creative.Digest, found);
    }

    [Theory]
    [InlineData("yesterday")]
    [InlineData("1-2")]
    [InlineData("99999999999999999999-00000000000000000000000000000000")]
    [InlineData("-1-00000000000000000000000000000000")]
    public async Task A_page_that_is_none_is_refused(string before)
    {
        await using var rig = await Campaigning.StartAsync(servers);
        using var http = new HttpClient { BaseAddress = rig.Service.Address };

        using var answer = await http.GetAsync($"v1/ads/repository?before={before}", Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(ProblemCodes.RequestInvalid, (await answer.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(Cancel)).GetProperty("code").GetString());
    }

    [Fact]
    public async Task An_entry_is_there_for_a_year_after_it_was_last_shown()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        var creative = await rig.ApprovedAsync();
        var line = await rig.ActiveLineAsync(creative.Id);
        await ShownAsync(rig, creative, line.Id, count: 60);

        rig.Service.Clock.Advance(TimeSpan.FromDays(364));
        Assert.Single((await ReadAsync(rig)).Entries);
        rig.Service.Clock.Advance(TimeSpan.FromDays(2));
        Assert.Empty((await ReadAsync(rig)).Entries);
    }

    [Fact]
    public async Task Only_a_reviewer_erases_and_what_nobody_knows_is_not_found()
    {
        await using var rig = await Campaigning.StartAsync(servers);
        using var owner = rig.Service.Http(Campaigning.Owner, "ads.manage");
        using var reviewer = rig.Service.Http("reviewer", "ads.review");

        Assert.Equal(HttpStatusCode.Forbidden, (await owner.DeleteAsync($"v1/ads/repository/{new string('0', 64)}", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await reviewer.DeleteAsync($"v1/ads/repository/{new string('0', 64)}", Cancel)).StatusCode);
    }

    /// <summary>As catalogs and counting would leave it.</summary>
    private static Task ShownAsync(Campaigning rig, CreativeView creative, Guid line, long count) => rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
        insert into counts (line_id, hour, cell, creative, counter, value) values ({line}, {rig.Now}, 'a', {creative.Digest}, {Counters.Valid}, {count - 20}), ({line}, {rig.Now.AddHours(-1)}, 'b', {creative.Digest}, {Counters.Valid}, 20);
        update creatives set last_shown_at = {rig.Now} where id = {creative.Id}
        """, Cancel));

    private static async Task<AdRepository> ReadAsync(Campaigning rig, string? before = null)
    {
        using var http = new HttpClient { BaseAddress = rig.Service.Address };
        return (await http.GetFromJsonAsync<AdRepository>(before is null ? "v1/ads/repository" : $"v1/ads/repository?before={before}", StoriesJson.Options, Cancel))!;
    }
}
