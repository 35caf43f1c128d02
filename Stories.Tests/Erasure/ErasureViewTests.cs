using System.Net;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Erasure;
using Stories.Core.Erasure;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>What operators see: figures by the API, and a page of the dashboard.</summary>
public sealed partial class ErasureViewTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => service = await Service.StartAsync(servers);

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task Figures_are_those_of_the_buckets_erased_in_a_day_and_in_ninety()
    {
        var now = service.Clock.GetUtcNow();
        for (var i = 1; i <= 100; i++) await AddAsync(now - TimeSpan.FromMinutes(i), lag: TimeSpan.FromSeconds(i));
        await AddAsync(now - TimeSpan.FromDays(3), lag: TimeSpan.FromHours(2));
        await AddAsync(now - TimeSpan.FromDays(100), lag: TimeSpan.FromHours(9));
        await AddAsync(now + TimeSpan.FromHours(1));

        var view = await service.User("operator").Client.ShowErasuresAsync(Cancel);

        // Of 1 to 100 seconds, as PostgreSQL's percentile_cont defines them.
        Assert.Equal((100, 200, 300, 5000), (view.Day.Buckets, view.Day.Stories, view.Day.Blobs, view.Day.Bytes));
        Assert.Equal((50.5, 99.01, 100.0), (Math.Round(view.Day.LagP50!.Value, 3), Math.Round(view.Day.LagP99!.Value, 3), Math.Round(view.Day.LagMax!.Value, 3)));
        Assert.Equal((101, 7200.0), (view.Quarter.Buckets, Math.Round(view.Quarter.LagMax!.Value, 3)));
        Assert.Empty(view.Overdue);
    }

    [Fact]
    public async Task Without_any_erasure_there_are_no_lags()
    {
        var view = await service.User("operator").Client.ShowErasuresAsync(Cancel);
        Assert.Equal((0, 0, null, null, null), (view.Day.Buckets, view.Day.Stories, view.Day.LagP50, view.Day.LagP99, view.Day.LagMax));
    }

    [Fact]
    public async Task A_bucket_is_overdue_when_something_of_it_is_left_a_minute_after_its_end()
    {
        var now = StandStill();
        await AddAsync(now - TimeSpan.FromMinutes(1) + TimeSpan.FromMilliseconds(1));
        var late = await AddAsync(now - TimeSpan.FromMinutes(1));
        var latest = await AddAsync(now - TimeSpan.FromDays(2));

        var view = await service.User("operator").Client.ShowErasuresAsync(Cancel);

        Assert.Equal([latest, late], view.Overdue.Select(b => b.Id));
        Assert.Equal([TimeSpan.FromDays(2).TotalSeconds, 60], view.Overdue.Select(b => b.OverdueBy));
        Assert.Equal("open", view.Overdue[1].State);
    }

    [Fact]
    public async Task The_list_of_buckets_begins_with_what_is_overdue_and_has_the_last_erased_however_many_are_to_come()
    {
        var now = StandStill();
        for (var i = 1; i <= 250; i++) await AddAsync(now + TimeSpan.FromMinutes(i));
        var late = await AddAsync(now - TimeSpan.FromHours(1));
        var gone = await AddAsync(now - TimeSpan.FromHours(2), lag: TimeSpan.FromSeconds(4));
        var before = await AddAsync(now - TimeSpan.FromHours(3), lag: TimeSpan.FromSeconds(4));

        var buckets = (await service.User("operator").Client.ListBucketsAsync(Cancel)).Buckets;

        Assert.Equal(late, buckets[0].Id);
        Assert.Equal([gone, before], buckets.TakeLast(2).Select(b => b.Id));
        Assert.Equal(now + TimeSpan.FromMinutes(1), buckets[1].Due);
    }

    [Fact]
    public async Task A_bucket_says_how_long_it_took()
    {
        var gone = await AddAsync(service.Clock.GetUtcNow() - TimeSpan.FromMinutes(5), lag: TimeSpan.FromSeconds(3));
        var left = await AddAsync(service.Clock.GetUtcNow() + TimeSpan.FromMinutes(5));
        var buckets = (await service.User("operator").Client.ListBucketsAsync(Cancel)).Buckets;
        Assert.Equal(3, buckets.Single(b => b.Id == gone).Lag!.Value, 3);
        Assert.Null(buckets.Single(b => b.Id == left).Lag);
    }

    [Fact]
    public async Task The_dashboard_has_a_page_that_says_in_a_picture_and_in_words_what_was_is_and_will_be_erased()
    {
        var now = StandStill();
        var gone = await AddAsync(now - TimeSpan.FromHours(2), lag: TimeSpan.FromSeconds(4));
        var late = await AddAsync(now - TimeSpan.FromDays(3));
        var due = await AddAsync(now - TimeSpan.FromSeconds(59));
        var coming = await AddAsync(now + TimeSpan.FromHours(3));
        var far = await AddAsync(now + TimeSpan.FromHours(30));
        using var browser = await Dashboard.OpenAsync(service, Cancel);

        var page = await browser.Http.GetStringAsync("ops/hangfire/erasures", Cancel);

        Assert.Contains("1 bucket is erased, with 2 stories, the longest took 4.0 s from its end. 1 bucket is due now, 1 is overdue. In the next 24 hours 1 bucket ends.", page, StringComparison.Ordinal);
        Assert.All([gone, late, due, coming], bucket => Assert.Contains(bucket.ToString(), page, StringComparison.Ordinal));
        Assert.DoesNotContain(far.ToString(), page, StringComparison.Ordinal);
        var ours = Ours().Match(page).Value;
        Assert.DoesNotContain("<script", ours, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("style=", ours, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http", ours, StringComparison.OrdinalIgnoreCase);
        var svg = XElement.Parse(Svg().Match(page).Value);
        Assert.Equal(("img", "erasures-title erasures-words"), (svg.Attribute("role")!.Value, svg.Attribute("aria-labelledby")!.Value));
        Assert.Equal(4, svg.Elements("g").Count());
        Assert.Contains("overdue: due ", svg.Elements("g").Last().Element("title")!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task However_many_hosts_a_process_has_had_the_menu_names_the_page_once_and_only_operators_see_it()
    {
        service.StartApi();
        service.StartApi();
        using var browser = await Dashboard.OpenAsync(service, Cancel);
        Assert.Single(Menu().Matches(await browser.Http.GetStringAsync("ops/hangfire", Cancel)));

        using var stranger = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = service.Address };
        using var closed = await stranger.GetAsync("ops/hangfire/erasures", Cancel);
        Assert.Equal(HttpStatusCode.Redirect, closed.StatusCode);
    }

    [Fact]
    public void A_picture_of_nothing_and_one_of_far_too_late_can_be_drawn()
    {
        var now = DateTimeOffset.UnixEpoch;
        Assert.Equal("svg", XElement.Parse(new ErasureTimeline([], now, TimeSpan.FromMinutes(1)).Draw()).Name.LocalName);
        var ages = new BucketMark(Guid.NewGuid(), now - TimeSpan.FromDays(400), BucketState.Sealed, now, null, 3, 4, 5);
        var timeline = new ErasureTimeline([ages], now, TimeSpan.FromMinutes(1));
        Assert.Equal(BucketPhase.Overdue, timeline.PhaseOf(ages));
        Assert.Single(XElement.Parse(timeline.Draw()).Elements("g"));
    }

    /// <summary>Nothing becomes overdue while a test looks.</summary>
    private DateTimeOffset StandStill()
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(service.Clock.GetUtcNow().ToUnixTimeMilliseconds());
        service.Clock.Freeze(now);
        return now;
    }

    /// <summary>A row as a bucket leaves it, with two stories and three blobs in it.</summary>
    private async Task<Guid> AddAsync(DateTimeOffset due, TimeSpan? lag = null)
    {
        var id = Guid.NewGuid();
        var (state, erasedAt) = lag is { } time ? ("Erased", due + time) : ("Open", (DateTimeOffset?)null);
        await service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
            insert into buckets (id, ends_at, container, state, opened_at, sealed_at, erased_at, stories, blobs, bytes)
            values ({id}, {due}, {$"none-{id:N}"}, {state}, {due - TimeSpan.FromDays(1)}, {(lag is null ? null : due)}, {erasedAt}, 2, 3, 50)
            """, Cancel));
        return id;
    }

    [GeneratedRegex("<h1 class=\"page-header\">Erasures.*</table></div>", RegexOptions.Singleline)]
    private static partial Regex Ours();

    [GeneratedRegex("<svg .*</svg>", RegexOptions.Singleline)]
    private static partial Regex Svg();

    [GeneratedRegex("href=\"/ops/hangfire/erasures\"")]
    private static partial Regex Menu();
}
