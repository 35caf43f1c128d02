using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Client;
using Stories.Client.Sponsored;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Sponsored;

/// <summary>Time stands still in each: an epoch may end at any moment else.</summary>
public sealed class CatalogTests(LocalServers servers)
{
    private const string Route = "v1/ads/catalog?placement=tray&country=DE&language=de&age=unknown";
    private static readonly Dictionary<string, string?> Alone = new() { ["Ads:CellFloor"] = "1" };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Any_two_viewers_of_a_cell_get_identical_bytes_and_a_tag_spares_them()
    {
        await using var rig = await StartAsync(Alone);
        await rig.ActiveLineAsync(await ApprovedAsync(rig));
        await PlannedAsync(rig, "DE", "de");

        using var one = rig.Service.Http("one");
        using var other = rig.Service.Http("other");
        using var first = await one.GetAsync(Route, Cancel);
        using var second = await other.GetAsync(Route, Cancel);

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(await first.Content.ReadAsByteArrayAsync(Cancel), await second.Content.ReadAsByteArrayAsync(Cancel));
        Assert.Equal(first.Headers.ETag, second.Headers.ETag);
        using var again = new HttpRequestMessage(HttpMethod.Get, Route);
        again.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var spared = await one.SendAsync(again, Cancel);
        Assert.Equal(HttpStatusCode.NotModified, spared.StatusCode);
        Assert.InRange(first.Headers.CacheControl!.MaxAge!.Value.TotalSeconds, 1, Catalog.EpochSeconds);
    }

    [Fact]
    public async Task The_short_way_to_a_catalog_answers_as_the_long_way_does()
    {
        await using var rig = await StartAsync(Alone);
        await rig.ActiveLineAsync(await ApprovedAsync(rig));
        await PlannedAsync(rig, "DE", "de");
        var (_, address) = rig.Service.StartApi(services => services.AddSingleton<IStartupFilter, Witness>());
        var tag = "";

        foreach (var asked in (Func<string?>[])[() => null, () => tag, () => $"W/{tag}", () => "*", () => "\"another\""])
        {
            // A token that has not been seen goes the long way, and the next time the short one.
            using var http = new HttpClient { BaseAddress = address };
            http.DefaultRequestHeaders.Add("Authorization", $"Bearer {rig.Service.Token($"viewer-{Guid.NewGuid():N}")}");
            if (asked() is { } sought) http.DefaultRequestHeaders.Add("If-None-Match", sought);
            // Every five seconds the apps are read again, and a token is forgotten in between.
            var (first, second) = (await AnswerAsync(http), await AnswerAsync(http));
            for (var more = 0; first.Way == second.Way && more < 3; more++) second = await AnswerAsync(http);

            Assert.Equal(("long", "short"), (first.Way, second.Way));
            Assert.Equal(first.Answer, second.Answer);
            if (asked() is null) tag = first.Tag;
        }
    }

    [Fact]
    public async Task The_short_way_is_for_those_only_who_may_go_it()
    {
        await using var rig = await StartAsync(new(Alone) { ["RateLimits:PerSecond"] = "5", ["RateLimits:Burst"] = "10" });
        await PlannedAsync(rig, "DE", "de");

        using var poster = rig.Service.Http("poster", scope: "stories.post");
        using var brief = new HttpClient { BaseAddress = rig.Service.Address };
        brief.DefaultRequestHeaders.Add("Authorization", $"Bearer {rig.Service.Token("brief", life: TimeSpan.FromSeconds(10))}");
        for (var time = 0; time < 3; time++)
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await poster.GetAsync(Route, Cancel)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await brief.GetAsync(Route, Cancel)).StatusCode);
        }
        rig.Service.Clock.Freeze(rig.Now.AddSeconds(41));
        Assert.Equal(HttpStatusCode.Unauthorized, (await brief.GetAsync(Route, Cancel)).StatusCode);

        async Task<long> FetchesAsync(string elsewhere)
        {
            // Whoever asks for what is not there has all written down.
            using var first = rig.Service.Http($"first-{Guid.NewGuid():N}");
            await first.GetAsync(Route.Replace("=DE", $"={elsewhere}", StringComparison.Ordinal), Cancel);
            return await rig.Service.ReadAsync(db => db.CellHours.Where(h => h.Cell == "chat/tray/DE/de/unknown").SumAsync(h => h.Fetches, Cancel));
        }
        var before = await FetchesAsync("FR");
        using var greedy = rig.Service.Http("greedy");
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => greedy.GetAsync(Route, Cancel)));
        // Who is refused is no opportunity: the plan cannot be talked up.
        Assert.Equal(answers.Count(a => a.IsSuccessStatusCode), await FetchesAsync("ES") - before);
        Assert.Equal(ProblemCodes.RateLimited, await CodeAsync(answers.First(a => a.StatusCode == HttpStatusCode.TooManyRequests)));
        using var page = new HttpRequestMessage(HttpMethod.Get, Route);
        page.Headers.Add("Origin", "https://page.test");
        using var modest = rig.Service.Http("modest");
        await modest.GetAsync(Route, Cancel);
        Assert.Contains("Access-Control-Allow-Origin", (await modest.SendAsync(page, Cancel)).Headers.Select(h => h.Key));
    }

    [Fact]
    public async Task A_cell_that_nobody_has_asked_for_is_planned_once_somebody_does()
    {
        await using var rig = await StartAsync(Alone);
        using var http = rig.Service.Http("viewer");

        using var early = await http.GetAsync(Route, Cancel);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, early.StatusCode);
        Assert.Equal(ProblemCodes.CatalogPending, await CodeAsync(early));
        Assert.Equal(TimeSpan.FromSeconds(1), early.Headers.RetryAfter!.Delta);
        await rig.PlanAsync();
        rig.Service.Clock.Freeze(rig.Now.AddSeconds(2));
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(Route, Cancel)).StatusCode);
    }

    [Theory]
    [InlineData("v1/ads/catalog?placement=tray&country=de")]
    [InlineData("v1/ads/catalog?placement=tray&language=de")]
    [InlineData("v1/ads/catalog?placement=tray&country=DE&language=DEU")]
    public async Task A_cell_that_is_none_is_refused(string route)
    {
        await using var rig = await StartAsync(Alone);
        using var http = rig.Service.Http("viewer");

        using var answer = await http.GetAsync(route, Cancel);

        Assert.Equal(ProblemCodes.CellInvalid, await CodeAsync(answer));
    }

    [Fact]
    public async Task A_line_is_in_the_catalogs_of_its_people_only()
    {
        await using var rig = await StartAsync(Alone);
        await rig.ActiveLineAsync(await ApprovedAsync(rig), rig.Terms(targets: new Targets([], ["AT"], [])));

        Assert.Empty((await PlannedAsync(rig, "DE", "de")).Lines);
        var line = Assert.Single((await PlannedAsync(rig, "AT", "de")).Lines);

        Assert.Equal(CatalogLine.MaxPass, line.Pass);
    }

    [Fact]
    public async Task Small_cells_share_one_catalog_in_which_devices_judge_the_place_themselves()
    {
        await using var rig = await StartAsync(new() { ["Ads:CellFloor"] = "50" });
        await rig.ActiveLineAsync(await ApprovedAsync(rig), rig.Terms(targets: new Targets([], ["AT"], [])));

        var german = await PlannedAsync(rig, "DE", "de");
        rig.Service.Clock.Freeze(rig.Now.AddSeconds(Catalog.EpochSeconds));
        var austrian = await PlannedAsync(rig, "AT", "de", again: "DE");

        Assert.Equal((null, null), (german.Cell.Country, german.Cell.Language));
        Assert.Equal(german.Cell, austrian.Cell);
        var line = Assert.Single(austrian.Lines);
        Assert.True(line.IsFor("AT", "de"));
        Assert.False(line.IsFor("DE", "de"));
    }

    [Fact]
    public async Task What_is_not_approved_not_paid_for_not_verified_or_over_is_in_no_catalog()
    {
        await using var rig = await StartAsync(Alone);
        var creative = await ApprovedAsync(rig);
        var line = await rig.ActiveLineAsync(creative, rig.Terms(budget: 20_000_000));
        Assert.Single((await PlannedAsync(rig, "DE", "de")).Lines);

        foreach (var spoil in (string[])[
            "update creatives set state = 'Suspended'", "update advertisers set state = 'Suspended'", "update campaigns set status = 'Paused'", "update lines set status = 'Paused'",
            "update wallets set balance = 0", "update lines set settled_micros = 20000000, billed = 4000", "update lines set ends_at = starts_at"])
        {
            await using var saved = new SavedRows(rig.Service);
            await saved.SaveAsync(Cancel);
            await rig.Service.ReadAsync(db => db.Database.ExecuteSqlRawAsync(spoil, Cancel));
            rig.Service.Clock.Freeze(rig.Now.AddSeconds(Catalog.EpochSeconds));
            Assert.Empty((await PlannedAsync(rig, "DE", "de")).Lines);
            await saved.RestoreAsync(Cancel);
        }
        Assert.NotEqual(Guid.Empty, line.Id);
    }

    [Fact]
    public async Task What_is_for_adults_is_in_no_catalog_for_an_unknown_age_however_it_came_into_a_line_for_everybody()
    {
        await using var rig = await StartAsync(Alone);
        await rig.ActiveLineAsync(await ApprovedAsync(rig));
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("update creatives set facts = jsonb_set(facts, array['disclosures', 'adultsOnly'], 'true')", Cancel));

        Assert.Empty((await PlannedAsync(rig, "DE", "de")).Lines);
    }

    [Fact]
    public async Task Media_of_a_catalog_can_be_fetched_until_ten_minutes_after_its_epoch_and_match_their_digests()
    {
        await using var rig = await StartAsync(Alone);
        // Storage judges by its own clock.
        rig.Service.Clock.MoveTo(TimeProvider.System.GetUtcNow());
        await rig.ActiveLineAsync(await ApprovedAsync(rig));

        var catalog = await PlannedAsync(rig, "DE", "de");

        using var http = new HttpClient();
        var media = Assert.Single(catalog.Creatives).Media;
        foreach (var file in media) Assert.Equal(file.File.Blob, Digest.Of(await http.GetByteArrayAsync(file.Url, Cancel)));
        var ends = DateTimeOffset.FromUnixTimeSeconds(catalog.Epoch + Catalog.EpochSeconds) + TimeSpan.FromMinutes(10);
        Assert.All(media, file => Assert.Contains($"se={Uri.EscapeDataString(ends.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ"))}", file.Url));
    }

    [Fact]
    public async Task Old_catalogs_forget_their_bytes_and_remember_their_lines()
    {
        await using var rig = await StartAsync(Alone);
        var line = await rig.ActiveLineAsync(await ApprovedAsync(rig));
        var first = await PlannedAsync(rig, "DE", "de");

        rig.Service.Clock.Freeze(rig.Now.AddMinutes(25));
        await PlannedAsync(rig, "DE", "de");

        var old = await rig.Service.ReadAsync(db => db.Catalogs.AsNoTracking().SingleAsync(c => c.Epoch == first.Epoch, Cancel));
        Assert.Empty(old.Bytes);
        Assert.Equal([line.Id], old.Lines);
    }

    [Fact]
    public async Task At_the_edge_of_an_epoch_the_next_catalog_lies_ready()
    {
        await using var rig = await StartAsync(Alone);
        var first = await PlannedAsync(rig, "DE", "de");
        var next = DateTimeOffset.FromUnixTimeSeconds(first.Epoch + Catalog.EpochSeconds);
        var client = rig.Service.User("viewer").Client;

        rig.Service.Clock.Freeze(next.AddSeconds(-31));
        await rig.PlanAsync();
        Assert.False(await rig.Service.ReadAsync(db => db.Catalogs.AnyAsync(c => c.Epoch > first.Epoch, Cancel)));
        rig.Service.Clock.Freeze(next.AddSeconds(-30));
        await rig.PlanAsync();
        rig.Service.Clock.Freeze(next.AddTicks(-TimeSpan.TicksPerMicrosecond));
        var last = await TryReadAsync(client, "DE", "de");
        rig.Service.Clock.Freeze(next);
        var begun = await TryReadAsync(client, "DE", "de");

        Assert.Equal(first.Epoch, StoriesJson.ReadCanonical<Catalog>(last!.Record.Bytes)!.Epoch);
        Assert.Equal(first.Epoch + Catalog.EpochSeconds, StoriesJson.ReadCanonical<Catalog>(begun!.Record.Bytes)!.Epoch);
    }

    [Fact]
    public async Task Only_the_cells_that_held_a_stopped_line_get_another_catalog_and_it_is_not_in_it()
    {
        await using var rig = await StartAsync(Alone);
        var line = await rig.ActiveLineAsync(await ApprovedAsync(rig), rig.Terms(targets: new Targets([], ["AT"], [])));
        await PlannedAsync(rig, "DE", "de");
        Assert.Single((await PlannedAsync(rig, "AT", "de")).Lines);

        await rig.Ads.ChangeStatusAsync(line.Id, ConfiguredStatus.Paused, cancellationToken: Cancel);
        await rig.PlanAsync();

        var rows = await rig.Service.ReadAsync(db => db.Catalogs.AsNoTracking().OrderBy(c => c.Cell).ThenBy(c => c.Revision).Select(c => new { c.Cell, c.Revision, c.IsDropped, Lines = c.Lines.Length }).ToListAsync(Cancel));
        Assert.Equal(
            [("chat/tray/AT/de/unknown", 1, true, 1), ("chat/tray/AT/de/unknown", 2, false, 0), ("chat/tray/DE/de/unknown", 1, false, 0)],
            rows.Select(r => (r.Cell, r.Revision, r.IsDropped, r.Lines)));
    }

    [Theory]
    [InlineData("creative")]
    [InlineData("terms")]
    [InlineData("creatives")]
    [InlineData("campaign")]
    [InlineData("advertiser")]
    public async Task What_is_changed_while_a_plan_is_made_is_not_in_its_catalogs_as_it_was_however_long_the_change_had_waited(string what)
    {
        await using var rig = await StartAsync(Alone);
        var creative = await ApprovedAsync(rig);
        var line = await rig.ActiveLineAsync(creative);
        await TryReadAsync(rig.Service.User("viewer").Client, "DE", "de");
        await using var db = Stories.Api.Operating.OperatorCommand.OpenDatabase(rig.Service.Database);
        await using var storing = await db.Database.BeginTransactionAsync(Cancel);
        await db.Database.ExecuteSqlRawAsync(Stories.Core.Data.DropCatalogs.Hold, Cancel);

        rig.Service.Clock.Freeze(rig.Now.AddSeconds(1));
        var changing = what switch
        {
            "creative" => (Task)rig.Reviewer().ReviewAsync(creative, new ReviewRequest(ReviewDecision.Suspend, [ReviewReason.Misleading]), cancellationToken: Cancel),
            "terms" => rig.Ads.ChangeTermsAsync(line.Id, "Rolls", rig.Terms(targets: new Targets([], [], [], AdultsOnly: true)), cancellationToken: Cancel),
            "creatives" => rig.Ads.ChangeCreativesAsync(line.Id, [], cancellationToken: Cancel),
            "campaign" => rig.Ads.ChangeCampaignAsync(line.Campaign, new CampaignRequest("Spring", CampaignObjective.Reach, 30_000_000, NotPolitical: true), cancellationToken: Cancel),
            _ => rig.Ads.RegisterAsync(BookingRig.Request() with { OfferKey = new byte[32] }, cancellationToken: Cancel),
        };
        await rig.Service.UntilWaitingAsync(1);
        rig.Service.Clock.Freeze(rig.Now.AddSeconds(1));
        // It has read all before the change is there, and stores after it.
        var planning = rig.PlanAsync();
        await rig.Service.UntilWaitingAsync(2);
        await storing.CommitAsync(Cancel);
        await changing;
        await planning;
        Assert.False(await rig.Service.ReadAsync(db => db.Catalogs.AnyAsync(c => !c.IsDropped, Cancel)));

        await rig.PlanAsync();
        var kept = await rig.Service.ReadAsync(db => db.Catalogs.AsNoTracking().SingleAsync(Cancel));
        Assert.Equal(what is "campaign" or "advertiser" ? 1 : 0, kept.Lines.Length);
    }

    [Fact]
    public async Task Of_two_advertisers_who_made_the_same_each_has_its_own_name_and_media_where_its_lines_are()
    {
        await using var rig = await StartAsync(Alone);
        var creative = await ApprovedAsync(rig);
        var (rival, copy) = await CopyAsync(rig, creative);
        await rig.ActiveLineAsync(creative, rig.Terms(targets: Targets.Everybody with { Countries = ["DE"] }));
        await rig.ActiveLineAsync(copy, rig.Terms(targets: Targets.Everybody with { Countries = ["AT"] }), rival);

        var own = Assert.Single((await PlannedAsync(rig, "DE", "de")).Creatives);
        var other = Assert.Single((await PlannedAsync(rig, "AT", "de")).Creatives);

        Assert.Equal(own.Digest, other.Digest);
        Assert.Equal(("Good Bread", "Rival"), (own.AdvertiserName, other.AdvertiserName));
        Assert.All(other.Media, m => Assert.Contains("/creative-of-the-rival/", m.Url));
        Assert.DoesNotContain(own.Media, m => m.Url.Contains("/creative-of-the-rival/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_two_advertisers_who_made_the_same_meet_it_is_shown_as_that_of_who_made_it_first_and_by_its_lines_alone()
    {
        await using var rig = await StartAsync(Alone);
        var creative = await ApprovedAsync(rig);
        var (rival, copy) = await CopyAsync(rig, creative);
        var line = await rig.ActiveLineAsync(creative);
        await rig.ActiveLineAsync(copy, ads: rival);

        var catalog = await PlannedAsync(rig, "DE", "de");

        Assert.Equal(line.Id, Assert.Single(catalog.Lines).Id);
        Assert.Equal("Good Bread", Assert.Single(catalog.Creatives).AdvertiserName);
        // The repository does not say of the other that it was shown.
        Assert.Equal([creative], await rig.Service.ReadAsync(db => db.Creatives.Where(c => c.LastShownAt != null).Select(c => c.Id).ToListAsync(Cancel)));
    }

    [Fact]
    public async Task Nobody_hands_over_somebody_elses_offer()
    {
        await using var rig = await StartAsync(Alone);
        using var key = SigningKey.Generate();
        var rival = new AdsClient(rig.Client("rival", "ads.manage"));
        var advertiser = await rival.RegisterAsync(BookingRig.Request("Rival", key.PublicKey), cancellationToken: Cancel);
        var offer = new Offer(Guid.NewGuid(), advertiser.Id, advertiser.DisplayName, "Twelve rolls", 4_800_000, "EUR", rig.Now.AddDays(2).ToUnixTimeSeconds());
        await rival.KeepOfferAsync(offer, key, cancellationToken: Cancel);
        await rig.Ads.RegisterAsync(BookingRig.Request(offerKey: key.PublicKey), cancellationToken: Cancel);
        var creative = await rig.ApprovedAsync(facts: Campaigning.Facts(action: new CallToAction(CallToActionKind.Pay, Offer: offer.Id)));
        var line = await rig.ActiveLineAsync(creative.Id);

        Assert.Empty((await PlannedAsync(rig, "DE", "de")).Lines);
        Assert.Equal(BlockerCode.OfferEnded, Assert.Single((await rig.Ads.ReadLineAsync(line.Id, Cancel)).Blockers).Code);
    }

    [Fact]
    public async Task A_cell_that_fails_does_not_keep_the_others()
    {
        await using var rig = await StartAsync(Alone);
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("""
            create function fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
            create trigger fail before insert on catalogs for each row when (new.cell like '%/AT/%') execute function fail()
            """, Cancel));
        var client = rig.Service.User("viewer").Client;
        foreach (var country in (string[])["AT", "DE", "CH"]) Assert.Null(await TryReadAsync(client, country, "de"));

        await rig.PlanAsync();

        var made = await rig.Service.ReadAsync(db => db.Catalogs.Select(c => c.Cell).OrderBy(c => c).ToListAsync(Cancel));
        Assert.Equal(["chat/tray/CH/de/unknown", "chat/tray/DE/de/unknown"], made);
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("drop trigger fail on catalogs", Cancel));
        await rig.PlanAsync();
        Assert.Equal(3, await rig.Service.ReadAsync(db => db.Catalogs.CountAsync(Cancel)));
    }

    private async Task<Campaigning> StartAsync(Dictionary<string, string?> settings)
    {
        var rig = await Campaigning.StartAsync(servers, settings);
        // The middle of an epoch.
        rig.Service.Clock.Freeze(DateTimeOffset.FromUnixTimeSeconds(Catalog.EpochAt(rig.Now) + Catalog.EpochSeconds / 2));
        return rig;
    }

    private static async Task<Guid> ApprovedAsync(Campaigning rig) => (await rig.ApprovedAsync()).Id;

    /// <summary>As if another advertiser had made the same a second later, and a reviewer approved it.</summary>
    private static async Task<(AdsClient Rival, Guid Creative)> CopyAsync(Campaigning rig, Guid creative)
    {
        var rival = new AdsClient(rig.Client("rival", "ads.manage"));
        var advertiser = await rival.RegisterAsync(BookingRig.Request("Rival"), cancellationToken: Cancel);
        await rig.Ops.DecideAsync(advertiser.Id, AdvertiserDecision.Verify, cancellationToken: Cancel);
        await rig.Ops.FundAsync(advertiser.Id, 100_000_000, "second", cancellationToken: Cancel);
        var copy = Guid.NewGuid();
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
            create temp table copies as select * from creatives where id = {creative};
            update copies set id = {copy}, advertiser_id = {advertiser.Id}, container = 'creative-of-the-rival', created_at = created_at + interval '1 second';
            insert into creatives select * from copies
            """, Cancel));
        return (rival, copy);
    }

    /// <summary>Asked for, planned, and handed out.</summary>
    private static async Task<Catalog> PlannedAsync(Campaigning rig, string country, string language, string? again = null)
    {
        var client = rig.Service.User("viewer").Client;
        if (again is not null) await TryReadAsync(client, again, language);
        await TryReadAsync(client, country, language);
        await rig.PlanAsync();
        // What the Api remembers of a second ago is over.
        rig.Service.Clock.Freeze(rig.Now.AddSeconds(2));
        return StoriesJson.ReadCanonical<Catalog>((await TryReadAsync(client, country, language))!.Record.Bytes)!;
    }

    private static async Task<(string Way, string Tag, string Answer)> AnswerAsync(HttpClient http)
    {
        using var answer = await http.GetAsync(Route, Cancel);
        var headers = answer.Headers.Concat(answer.Content.Headers).Where(h => h.Key is not ("Date" or Witness.Way)).OrderBy(h => h.Key, StringComparer.Ordinal);
        return (answer.Headers.GetValues(Witness.Way).Single(), answer.Headers.ETag!.ToString(),
            $"{(int)answer.StatusCode}\n{string.Join('\n', headers.Select(h => $"{h.Key}: {string.Join(", ", h.Value)}"))}\n\n{await answer.Content.ReadAsStringAsync(Cancel)}");
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage answer) => (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString();

    private static async Task<FetchedCatalog?> TryReadAsync(StoriesClient client, string country, string language)
    {
        try
        {
            return await client.ReadCatalogAsync(new Cell(Service.ChatApp, Placement.Tray, country, language, AgeBand.Unknown), null, Cancel);
        }
        catch (StoriesProblemException e) when (e.Code == ProblemCodes.CatalogPending)
        {
            return null;
        }
    }

    /// <summary>What a test spoils, and puts back.</summary>
    private sealed class SavedRows(Service service) : IAsyncDisposable
    {
        private static readonly string[] Tables = ["creatives", "advertisers", "campaigns", "lines", "wallets"];

        public Task SaveAsync(CancellationToken cancellationToken) => RunAsync(table => $"create table saved_{table} as select * from {table}", cancellationToken);

        public Task RestoreAsync(CancellationToken cancellationToken) => RunAsync(table => $"delete from {table}; insert into {table} select * from saved_{table}", cancellationToken);

        public async ValueTask DisposeAsync() => await RunAsync(table => $"drop table saved_{table}", CancellationToken.None);

        private async Task RunAsync(Func<string, string> sql, CancellationToken cancellationToken)
        {
            foreach (var statement in Tables.Select(sql)) await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync(statement, cancellationToken));
        }
    }

    /// <summary>Notes in each answer whether its request was routed to a handler.</summary>
    private sealed class Witness : IStartupFilter
    {
        public const string Way = "X-Way";

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, rest) =>
            {
                context.Response.OnStarting(() =>
                {
                    context.Response.Headers[Way] = context.GetEndpoint() is null ? "short" : "long";
                    return Task.CompletedTask;
                });
                return rest(context);
            });
            next(app);
        };
    }
}
