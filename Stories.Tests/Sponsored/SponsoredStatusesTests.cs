using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using Stories.Client;
using Stories.Client.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Client;
using static Stories.Tests.Sponsored.AdStage;

namespace Stories.Tests.Sponsored;

/// <summary>A device against a stand-in for the service that signs its catalogs really, and against storage and a disk that do what they should not.</summary>
public sealed class SponsoredStatusesTests : IDisposable
{
    private static readonly AdBoundary Between = new(InsideOnePerson: false, UnseenPeopleAhead: 3);
    private static readonly byte[] Picture = Encoding.UTF8.GetBytes("a picture");
    private static readonly CatalogCreative One = Creative("one", Picture);
    private static readonly CatalogCreative Two = Creative("two", [1, 2, 3]);

    private readonly string home = Directory.CreateTempSubdirectory("stories-ads-").FullName;
    private readonly SigningKey key = SigningKey.Generate();
    private readonly Clock clock = new();
    private readonly DeviceStore store;
    private readonly List<HttpRequestMessage> asked = [];
    private readonly List<RecordsRequest> submitted = [];
    private readonly List<Uri> fetched = [];
    private readonly List<IDisposable> owned = [];

    private Func<Catalog> catalog;
    private Func<HttpRequestMessage, HttpResponseMessage>? catalogAnswer;
    private Func<RecordsRequest, HttpResponseMessage>? recordsAnswer;
    private Func<Uri, HttpResponseMessage>? storageAnswer;
    private int keyRequests;

    public SponsoredStatusesTests()
    {
        store = DeviceStore.Open(home);
        catalog = () => CatalogOf([Line(1, [One])], [One], epoch: clock.Now);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string LogPath => Path.Combine(home, "ads", "log");

    public void Dispose()
    {
        foreach (var one in owned) one.Dispose();
        store.Dispose();
        key.Dispose();
        Directory.Delete(home, recursive: true);
    }

    [Fact]
    public async Task What_is_chosen_is_in_the_log_before_it_is_shown_with_its_media_verified()
    {
        var device = await ReadyAsync();
        var decision = device.Next(Between);
        var status = decision.Status!;
        Assert.Equal((null, GateReason.Open), (decision.Reason, decision.Gate));
        Assert.Equal(One.Digest, status.Creative.Digest);
        Assert.Equal(Picture, File.ReadAllBytes(Assert.Single(status.Files).Path));
        Assert.Equal(new WhyThis("Shown in Germany today.", "An advertiser", "Beneficiary", "Payer", new Disclosures()), status.Why);
        var log = AdLog.Read(File.ReadAllBytes(LogPath), clock.Now);
        Assert.Equal((Id(1), clock.Now.ToUnixTimeMilliseconds()), (Assert.Single(log.Shown).Line, log.Shown[0].At));
        Assert.Equal(new PendingRecord(status.Record, IsOpen: true), Assert.Single(log.Pending));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(LogPath));
        // And never two in a row.
        Assert.Equal(GateReason.TooFewPeople, device.Next(Between).Gate);
    }

    [Fact]
    public async Task Nothing_is_shown_before_the_gate_opens()
    {
        var device = Device();
        await device.RefreshAsync(Cancel);
        await device.PrefetchAsync(Cancel);
        Assert.Equal((NoAd.GateShut, GateReason.TooFewPeople), (device.Next(Between).Reason, device.Next(Between).Gate));
        See(device, 2);
        clock.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(GateReason.FirstPeople, device.Next(Between).Gate);
        See(device, 10);
        Assert.Equal(GateReason.LastInTray, device.Next(Between with { UnseenPeopleAhead = 0 }).Gate);
        Assert.NotNull(device.Next(Between).Status);
    }

    [Fact]
    public async Task The_service_is_told_the_cell_without_the_app_and_asked_once_in_an_epoch()
    {
        var device = Device();
        Assert.Equal(CatalogNews.Renewed, (await device.RefreshAsync(Cancel)).News);
        Assert.Equal("/v1/ads/catalog?placement=tray&age=unknown&country=DE&language=de", asked[0].RequestUri!.PathAndQuery);
        Assert.Equal("token", asked[0].Headers.Authorization!.Parameter);
        Assert.Equal(CatalogNews.Current, (await device.RefreshAsync(Cancel)).News);
        Assert.Single(asked);

        clock.Pass(TimeSpan.FromMinutes(5));
        catalogAnswer = _ => new HttpResponseMessage(HttpStatusCode.NotModified);
        Assert.Equal(CatalogNews.Current, (await device.RefreshAsync(Cancel)).News);
        Assert.Equal("\"1\"", asked[1].Headers.IfNoneMatch.Single().ToString());
        See(device, 10);
        Assert.Equal(NoAd.NothingToShow, device.Next(Between).Reason);
    }

    [Fact]
    public async Task A_service_that_is_out_of_reach_is_asked_once_a_minute()
    {
        catalogAnswer = _ => throw new HttpRequestException("cut");
        var device = Device();
        Assert.Equal(CatalogNews.Unavailable, (await device.RefreshAsync(Cancel)).News);
        clock.Pass(TimeSpan.FromSeconds(59));
        Assert.Equal(CatalogNews.Current, (await device.RefreshAsync(Cancel)).News);
        Assert.Single(asked);
        clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(CatalogNews.Unavailable, (await device.RefreshAsync(Cancel)).News);
        Assert.Equal(2, asked.Count);
        Assert.Equal(NoAd.NoCatalog, device.Next(Between).Reason);
    }

    [Fact]
    public async Task A_service_that_says_when_is_asked_then()
    {
        catalogAnswer = _ =>
        {
            var pending = Problem(HttpStatusCode.ServiceUnavailable, ProblemCodes.CatalogPending);
            pending.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(2));
            return pending;
        };
        var device = Device();
        Assert.Equal(CatalogNews.Unavailable, (await device.RefreshAsync(Cancel)).News);
        catalogAnswer = null;
        clock.Pass(TimeSpan.FromSeconds(1.9));
        Assert.Equal(CatalogNews.Current, (await device.RefreshAsync(Cancel)).News);
        clock.Pass(TimeSpan.FromSeconds(0.1));
        Assert.Equal(CatalogNews.Renewed, (await device.RefreshAsync(Cancel)).News);
    }

    [Fact]
    public async Task Without_the_service_the_kept_catalog_is_good_for_48_hours()
    {
        await ReadyAsync();
        catalogAnswer = _ => throw new HttpRequestException("cut");
        var device = Device();
        Assert.Equal(CatalogNews.Unavailable, (await device.RefreshAsync(Cancel)).News);
        clock.Now = Noon.AddHours(48);
        See(device, 10);
        Assert.NotNull(device.Next(Between).Status);
        clock.Pass(TimeSpan.FromMilliseconds(1));
        See(device, 10);
        Assert.Equal(NoAd.NoCatalog, device.Next(Between).Reason);
        Assert.Equal(NoAd.NoCatalog, Device().Next(Between).Reason);
    }

    [Fact]
    public async Task A_catalog_that_is_none_changes_nothing()
    {
        using var other = SigningKey.Generate();
        var device = await ReadyAsync();
        (Func<HttpRequestMessage, HttpResponseMessage> Answer, CatalogNews News, CatalogFault? Fault)[] cases =
        [
            (_ => StandIn.Json(Sign(CatalogOf([], [], epoch: clock.Now), other)), CatalogNews.Refused, CatalogFault.NotSigned),
            (_ => StandIn.Json(Sign(CatalogOf([], [], epoch: clock.Now, cell: Berlin with { App = "photos-dev" }), key)), CatalogNews.Refused, CatalogFault.AnotherCell),
            (_ => StandIn.Json(Sign(CatalogOf([], [], epoch: clock.Now) with { Deployment = "there" }, key)), CatalogNews.Refused, CatalogFault.AnotherDeployment),
            (_ => StandIn.Json(Sign(CatalogOf([], [], epoch: clock.Now.AddHours(1)), key)), CatalogNews.Refused, CatalogFault.FromTheFuture),
            // Signed once, and played again.
            (_ => StandIn.Json(Sign(CatalogOf([], [], epoch: Noon.AddHours(-1)), key)), CatalogNews.Refused, null),
            (_ => StandIn.Json(new { }), CatalogNews.Unavailable, null),
            (_ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("<html>") }, CatalogNews.Unavailable, null),
            (_ => new HttpResponseMessage(HttpStatusCode.InternalServerError), CatalogNews.Unavailable, null),
            (_ => Problem(HttpStatusCode.NotFound, "notFound"), CatalogNews.Unavailable, null),
        ];
        foreach (var (answer, news, fault) in cases)
        {
            clock.Pass(TimeSpan.FromMinutes(5));
            catalogAnswer = answer;
            var refresh = await device.RefreshAsync(Cancel);
            Assert.Equal((news, fault), (refresh.News, refresh.Fault));
            Assert.Equal(news == CatalogNews.Unavailable, refresh.Trouble is not null);
        }
        See(device, 10);
        Assert.NotNull(device.Next(Between).Status);
    }

    [Fact]
    public async Task A_kept_catalog_that_was_bent_or_is_of_another_cell_is_none()
    {
        await ReadyAsync();
        var path = Path.Combine(home, "ads", "catalog.json");
        var bytes = File.ReadAllBytes(path);
        Assert.Equal(NoAd.NoCatalog, Device(Berlin with { Language = "en" }).Next(Between).Reason);
        foreach (var bent in (byte[][])[[], bytes[..^1], Encoding.UTF8.GetBytes("null"), Encoding.UTF8.GetBytes("""{"record":{}}"""), [.. bytes.Select((b, i) => i == bytes.Length / 2 ? (byte)(b ^ 1) : b)]])
        {
            File.WriteAllBytes(path, bent);
            Assert.Equal(NoAd.NoCatalog, Device().Next(Between).Reason);
        }
        File.WriteAllBytes(path, bytes);
        Assert.Equal(NoAd.GateShut, Device().Next(Between).Reason);
    }

    [Fact]
    public async Task A_service_with_another_key_than_the_pinned_one_is_not_believed()
    {
        store.PinServiceKey(new byte[32]);
        var device = Device();
        Assert.Equal(CatalogFault.NotSigned, (await device.RefreshAsync(Cancel)).Fault);
        Assert.Equal(0, keyRequests);
        Assert.Equal(NoAd.NoCatalog, device.Next(Between).Reason);
    }

    [Fact]
    public async Task Media_that_are_not_those_of_the_catalog_are_never_shown()
    {
        Func<Uri, HttpResponseMessage>[] cases =
        [
            _ => Bytes([.. Picture.Reverse()]), _ => Bytes([.. Picture, 0]), _ => Bytes(Picture[..^1]), _ => Bytes([]), _ => new HttpResponseMessage(HttpStatusCode.Forbidden),
            _ => throw new HttpRequestException("cut"), _ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new Endless()) },
        ];
        foreach (var answer in cases)
        {
            storageAnswer = answer;
            var device = Device();
            await device.RefreshAsync(Cancel);
            var prefetch = await device.PrefetchAsync(Cancel);
            Assert.Equal((0, 1), (prefetch.Ready, prefetch.Troubles.Count));
            See(device, 10);
            clock.Pass(TimeSpan.FromMinutes(1));
            Assert.Equal(NoAd.NothingToShow, device.Next(Between).Reason);
            Assert.Empty(Directory.EnumerateFiles(Path.Combine(home, "ads", "media")));
        }
    }

    [Fact]
    public async Task A_file_that_was_changed_on_the_disk_is_not_shown_and_fetched_again()
    {
        var device = await ReadyAsync();
        var file = Assert.Single(Directory.EnumerateFiles(Path.Combine(home, "ads", "media")));
        File.WriteAllBytes(file, [.. Picture.Reverse()]);
        Assert.Equal(NoAd.NothingToShow, device.Next(Between).Reason);
        Assert.Equal(1, (await device.PrefetchAsync(Cancel)).Ready);
        Assert.NotNull(device.Next(Between).Status);
        Assert.Equal(2, fetched.Count);
    }

    [Fact]
    public async Task A_digest_that_is_a_path_and_an_address_that_is_a_file_lead_nowhere()
    {
        var evil = Path.Combine(home, "evil");
        foreach (var (name, url) in ((string, string)[])[("../../evil", "http://storage.test/x"), (evil, "http://storage.test/x"), (new string('a', 64), "file:///etc/hostname"), (new string('a', 64), "nonsense")])
        {
            var file = new CreativeMedia("photo-1080", "image/webp", null, 1, 1, null, new Digest(name, Picture.Length));
            var creative = One with { Digest = new CreativeContent(One.Facts, [file]).Digest, Media = [new CatalogMedia(file, url)] };
            catalog = () => CatalogOf([Line(1, [creative])], [creative], epoch: clock.Now);
            var device = Device();
            await device.RefreshAsync(Cancel);
            Assert.IsType<NotGenuineException>(Assert.Single((await device.PrefetchAsync(Cancel)).Troubles));
            clock.Pass(TimeSpan.FromMinutes(5));
        }
        Assert.False(File.Exists(evil));
        Assert.Empty(fetched);
    }

    [Fact]
    public async Task Only_the_first_of_each_kind_is_fetched_nothing_too_large_and_what_no_catalog_names_any_more_is_deleted()
    {
        var content = new CreativeContent(One.Facts, [.. new[] { "video-720", "video-480", "poster" }.Select((name, i) => new CreativeMedia(name, "video/mp4", null, 1, 1, null, Digest.Of([(byte)i])))]);
        var video = One with { Digest = content.Digest, Media = [.. content.Media.Select(m => new CatalogMedia(m, $"http://storage.test/{m.Blob.Sha256}"))] };
        var large = Creative("large", new byte[2000]);
        storageAnswer = uri => Bytes(uri.Segments[^1] == Digest.Of([0]).Sha256 ? [0] : uri.Segments[^1] == Digest.Of([2]).Sha256 ? [2] : Picture);
        catalog = () => CatalogOf([Line(1, [video]), Line(2, [large]), Line(3, [One])], [video, large, One], epoch: clock.Now);
        var device = Device(options: new SponsoredOptions { MaxCreativeBytes = 1000 });
        await device.RefreshAsync(Cancel);
        var prefetch = await device.PrefetchAsync(Cancel);
        Assert.Equal((2, 0), (prefetch.Ready, prefetch.Troubles.Count));
        Assert.Equal(3, fetched.Count);

        catalog = () => CatalogOf([Line(3, [One])], [One], epoch: clock.Now);
        clock.Pass(TimeSpan.FromMinutes(5));
        await device.RefreshAsync(Cancel);
        await device.PrefetchAsync(Cancel);
        Assert.Equal(Digest.Of(Picture).Sha256, Path.GetFileName(Assert.Single(Directory.EnumerateFiles(Path.Combine(home, "ads", "media")))));
        Assert.Equal(3, fetched.Count);
    }

    [Fact]
    public async Task A_damaged_log_means_nothing_for_30_days_over_restarts_too()
    {
        await ReadyAsync();
        File.WriteAllText(LogPath, "not a log");
        var device = Device();
        See(device, 10);
        Assert.Equal(GateReason.LogDamaged, device.Next(Between).Gate);
        clock.Pass(TimeSpan.FromDays(30) - TimeSpan.FromMilliseconds(1));
        await device.RefreshAsync(Cancel);
        See(device, 10);
        Assert.Equal(GateReason.LogDamaged, device.Next(Between).Gate);
        clock.Pass(TimeSpan.FromMilliseconds(1));
        device = Device();
        await device.RefreshAsync(Cancel);
        See(device, 10);
        clock.Pass(TimeSpan.FromMinutes(1));
        Assert.NotNull(device.Next(Between).Status);
    }

    [Fact]
    public async Task What_cannot_be_remembered_is_not_shown()
    {
        var device = await ReadyAsync();
        Directory.CreateDirectory(LogPath);
        var decision = device.Next(Between);
        Assert.Equal((null, NoAd.LogUnavailable), (decision.Status, decision.Reason));
        Assert.NotNull(decision.Trouble);
        Assert.NotNull((await device.SubmitAsync(Cancel)).Trouble);
        Directory.Delete(LogPath);

        // On the way to the disk: every file that would be written aside is refused.
        Directory.Delete(Path.Combine(home, "ads"), recursive: true);
        Assert.NotEqual(NoAd.GateShut, device.Next(Between).Reason);
        Assert.Null(device.Next(Between).Status);
    }

    [Fact]
    public async Task What_was_seen_goes_out_with_the_token_and_is_kept_until_it_is_accepted()
    {
        var device = await ReadyAsync();
        var status = device.Next(Between).Status!;
        Assert.True(device.End(status, new AdEnd(Quartile.Half, TimeSpan.FromSeconds(4.2), Skipped: true)));
        var expected = status.Record with { Quartile = Quartile.Half, Dwell = DwellBucket.ThreeToSix, Skipped = true };
        recordsAnswer = _ => throw new HttpRequestException("cut");
        var submission = await device.SubmitAsync(Cancel);
        Assert.Equal((0, 1), (submission.Done, submission.Waiting));
        Assert.IsType<HttpRequestException>(submission.Trouble);
        recordsAnswer = _ => Problem(HttpStatusCode.TooManyRequests, "rate.limited");
        Assert.Equal(1, (await device.SubmitAsync(Cancel)).Waiting);
        recordsAnswer = null;
        // By another start of the app.
        Assert.Equal(new AdSubmission(1, 0), await Device().SubmitAsync(Cancel));
        Assert.Equal(expected, Assert.Single(submitted[^1].Records));
        Assert.Equal("token", asked[^1].Headers.Authorization!.Parameter);
        Assert.Equal(new AdSubmission(0, 0), await device.SubmitAsync(Cancel));
        Assert.Single(AdStore.Open(home).Read(clock.Now).Shown);
    }

    [Fact]
    public async Task A_record_that_is_too_late_is_dropped_and_one_that_a_crash_left_goes_out_as_it_was_begun()
    {
        var device = await ReadyAsync();
        var status = device.Next(Between).Status!;
        Assert.Equal(new AdSubmission(0, 0), await device.SubmitAsync(Cancel));
        clock.Now = Noon.AddHours(2);
        recordsAnswer = _ => throw new HttpRequestException("cut");
        var restarted = Device();
        Assert.Equal(1, (await restarted.SubmitAsync(Cancel)).Waiting);
        Assert.Equal(status.Record, Assert.Single(submitted[^1].Records));
        // Somebody looked at it for hours all the same: what is known later is still told.
        device.End(status, new AdEnd(Quartile.Complete, TimeSpan.FromHours(3), Skipped: true));
        recordsAnswer = null;
        clock.Now = Noon.AddHours(49).AddSeconds(-1);
        Assert.Equal(new AdSubmission(1, 0), await restarted.SubmitAsync(Cancel));
        Assert.Equal(status.Record with { Quartile = Quartile.Complete, Dwell = DwellBucket.FifteenAndMore }, Assert.Single(submitted[^1].Records));

        See(restarted, 10);
        await restarted.RefreshAsync(Cancel);
        restarted.End(restarted.Next(Between).Status!, new AdEnd(Quartile.Complete, TimeSpan.FromSeconds(9), false));
        clock.Pass(TimeSpan.FromHours(50));
        var before = submitted.Count;
        Assert.Equal(new AdSubmission(0, 0), await restarted.SubmitAsync(Cancel));
        Assert.Equal(before, submitted.Count);
    }

    [Fact]
    public async Task Many_go_out_in_batches_of_50_each_once_and_in_an_order_that_says_nothing()
    {
        var records = await FillAsync(120);
        var device = Device();
        Assert.Equal(new AdSubmission(120, 0), await device.SubmitAsync(Cancel));
        Assert.Equal([50, 50, 20], submitted.Select(s => s.Records.Count));
        var sent = submitted.SelectMany(s => s.Records).Select(r => r.Id).ToArray();
        Assert.Equal(records.Order(), sent.Order());
        Assert.NotEqual(records, sent);
    }

    [Fact]
    public async Task One_that_was_begun_is_found_again_by_another_start_of_the_app_and_ended_there()
    {
        var status = (await ReadyAsync()).Next(Between).Status!;
        var restarted = Device();
        Assert.Null(restarted.FindOpen("0000"));
        var found = restarted.FindOpen(One.Digest[..12])!;
        Assert.Equal(status.Record, found.Record);
        Assert.True(restarted.End(found, new AdEnd(Quartile.Complete, TimeSpan.FromSeconds(5), false)));
        Assert.Null(restarted.FindOpen(One.Digest));
        Assert.Equal(new AdSubmission(1, 0), await restarted.SubmitAsync(Cancel));
        Assert.Equal(Quartile.Complete, submitted[^1].Records[0].Quartile);
    }

    [Fact]
    public async Task One_that_the_service_will_never_take_does_not_keep_back_the_others()
    {
        var records = await FillAsync(20);
        recordsAnswer = request => request.Records.Any(r => r.Id == records[7]) ? Problem(HttpStatusCode.BadRequest, ProblemCodes.RequestInvalid) : Accept(request);
        Assert.Equal(new AdSubmission(20, 0), await Device().SubmitAsync(Cancel));
        Assert.Equal(new AdSubmission(0, 0), await Device().SubmitAsync(Cancel));
    }

    [Fact]
    public async Task A_batch_that_went_through_stays_so_when_the_next_does_not()
    {
        await FillAsync(70);
        var first = true;
        var device = Device();
        recordsAnswer = request =>
        {
            if (!first) throw new HttpRequestException("cut");
            first = false;
            return Accept(request);
        };
        var submission = await device.SubmitAsync(Cancel);
        Assert.Equal((50, 20), (submission.Done, submission.Waiting));
        recordsAnswer = null;
        Assert.Equal(new AdSubmission(20, 0), await device.SubmitAsync(Cancel));
    }

    [Fact]
    public async Task What_the_person_hides_or_reports_does_not_come_again_and_the_record_says_so()
    {
        catalog = () => CatalogOf([Line(1, [One], advertiser: 5), Line(2, [Two], advertiser: 6), Line(3, [Two], advertiser: 6)], [One, Two], new AdPolicy(AdsApart: 0), epoch: clock.Now);
        storageAnswer = uri => Bytes(uri.Segments[^1] == Digest.Of(Picture).Sha256 ? Picture : [1, 2, 3]);
        var device = await ReadyAsync();
        AdAction[] actions = [AdAction.HideAd, AdAction.HideAdvertiser, AdAction.Report];
        var shown = new List<SponsoredStatus>();
        foreach (var action in actions)
        {
            device.BeginSession();
            See(device, 10);
            clock.Pass(TimeSpan.FromHours(1));
            if (device.Next(Between).Status is not { } status) break;
            shown.Add(status);
            device.End(status, new AdEnd(Quartile.Start, TimeSpan.FromSeconds(1), true, action));
        }
        See(device, 10);
        clock.Pass(TimeSpan.FromHours(1));
        // Hiding the first hides its picture, so that of two lines with one picture both are gone.
        Assert.Equal(2, shown.Count);
        Assert.Equal(NoAd.NothingToShow, device.Next(Between).Reason);
        await device.SubmitAsync(Cancel);
        Assert.Equal(actions.Take(2), submitted.SelectMany(s => s.Records).Select(r => r.Action).Order());
        device.ShowHidden();
        Assert.NotNull(device.Next(Between).Status);
    }

    [Fact]
    public async Task An_advertiser_can_be_hidden_and_one_thing_reported_later_too()
    {
        var device = await ReadyAsync();
        var status = device.Next(Between).Status!;
        device.End(status, new AdEnd(Quartile.Complete, TimeSpan.FromSeconds(5), false));
        device.HideAdvertiser(status.Line.Advertiser);
        Assert.Equal([status.Line.Advertiser], AdStore.Open(home).Read(clock.Now).HiddenAdvertisers);
        device.HideAd(status);
        Assert.Equal([status.Line.Id], AdStore.Open(home).Read(clock.Now).HiddenLines);
    }

    [Fact]
    public async Task See_less_and_quick_skips_hold_it_back()
    {
        catalog = () => CatalogOf([Line(1, [One])], [One], new AdPolicy(AdsApart: 0, MaxPerMille: 1000), epoch: clock.Now);
        var device = await ReadyAsync();
        device.End(device.Next(Between).Status!, new AdEnd(Quartile.Start, TimeSpan.FromSeconds(0.5), true));
        Again();
        device.End(device.Next(Between).Status!, new AdEnd(Quartile.Start, TimeSpan.FromSeconds(0.5), true));
        Again();
        Assert.Equal(GateReason.PeopleBetween, device.Next(Between).Gate);
        device.BeginSession();
        device.SeeLess();
        Again();
        Assert.Equal(GateReason.PeopleBetween, device.Next(Between).Gate);
        device.SeeUsual();
        Assert.NotNull(device.Next(Between).Status);

        void Again()
        {
            See(device, 4);
            clock.Pass(TimeSpan.FromMinutes(2));
        }
    }

    [Fact]
    public async Task What_is_to_be_paid_is_shown_only_with_an_offer_that_its_merchant_signed_and_that_has_not_run_out()
    {
        using var merchant = SigningKey.Generate();
        using var other = SigningKey.Generate();
        var offer = new Offer(Id(70), Id(2001), "Merchant", "Product", 9_990_000, "EUR", Noon.ToUnixTimeSeconds() + 3600);
        var bent = new (SignedRecord? Offer, bool IsGood)[]
        {
            (SignOffer(offer, merchant), true),
            (SignOffer(offer, other), false),
            (SignOffer(offer with { Id = Id(71) }, merchant), false),
            (SignOffer(offer with { Advertiser = Id(9) }, merchant), false),
            (SignOffer(offer with { ExpiresAt = Noon.ToUnixTimeSeconds() }, merchant), false),
        };
        foreach (var (signed, isGood) in bent)
        {
            var creative = Creative("pay", Picture, action: new CallToAction(CallToActionKind.Pay, Offer: Id(70)), offer: signed, offerKey: merchant.PublicKey);
            catalog = () => CatalogOf([Line(1, [creative])], [creative], epoch: clock.Now);
            clock.Now = Noon;
            AdStore.Open(home).Forget();
            var decision = (await ReadyAsync()).Next(Between);
            if (isGood) Assert.Equal(offer, decision.Status!.Offer);
            else Assert.Equal(NoAd.NothingToShow, decision.Reason);
        }

        static SignedRecord SignOffer(Offer offer, SigningKey key) => Sign(StoriesJson.Write(offer), key, SignaturePurpose.Offer);
    }

    [Fact]
    public async Task Two_processes_on_one_device_keep_a_cap_together()
    {
        catalog = () => CatalogOf(
            [Line(1, [One], caps: [new Cap(CapLevel.Line, 3, 3600)])], [One], new AdPolicy(1, 0, 1, 0, 1000, 1000, 1000, 0), epoch: clock.Now);
        var devices = new List<SponsoredStatuses> { await ReadyAsync() };
        for (var i = 0; i < 7; i++) devices.Add(Device());
        await Task.WhenAll(devices.Select(device => Task.Run(() =>
        {
            for (var i = 0; i < 10; i++)
            {
                See(device, 3);
                var decision = device.Next(Between);
                Assert.True(decision.Reason is null or NoAd.NothingToShow, $"{decision}");
            }
        }, Cancel)));
        var log = AdStore.Open(home).Read(clock.Now);
        Assert.Equal(3, log.Shown.Count);
        Assert.Equal([1, 2, 3], log.Pending.Select(p => p.Record.Ordinal));
    }

    [Fact]
    public async Task Of_few_hours_it_tells_how_often_something_could_have_stood()
    {
        // Nothing to show: an opportunity all the same, and the same one until something is shown.
        storageAnswer = _ => new HttpResponseMessage(HttpStatusCode.NotFound);
        var device = Device();
        const int hours = 400;
        for (var hour = 0; hour < hours; hour++)
        {
            clock.Now = Noon.AddHours(hour);
            if (hour % 40 == 0) await device.RefreshAsync(Cancel);
            for (var sitting = 0; sitting < 2; sitting++)
            {
                device.BeginSession();
                See(device, 10);
                clock.Pass(TimeSpan.FromMinutes(1));
                Assert.Equal(NoAd.NothingToShow, device.Next(Between).Reason);
                Assert.Equal(NoAd.NothingToShow, device.Next(Between).Reason);
            }
            await device.SubmitAsync(Cancel);
        }
        var tallies = submitted.SelectMany(s => s.Opportunities!).ToList();
        // One of 16: of 400 hours none is told once in 10^11 devices, and more than a quarter as rarely.
        Assert.InRange(tallies.Count, 1, hours / 4);
        Assert.All(tallies, t => Assert.Equal(("chat-dev/tray/DE/de/unknown", 2, 0), (t.Cell, t.Count, t.Hour % 3600)));
        Assert.Equal(tallies.Count, tallies.DistinctBy(t => t.Hour).Count());
        Assert.All(submitted, s => Assert.Empty(s.Records));
    }

    [Fact]
    public async Task Everything_can_be_forgotten()
    {
        var device = await ReadyAsync();
        Assert.NotNull(device.Next(Between).Status);
        File.WriteAllText(LogPath + ".left-by-a-crash", "");
        AdStore.Open(home).Forget();
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(home, "ads"), "*", SearchOption.AllDirectories));
    }

    private async Task<SponsoredStatuses> ReadyAsync()
    {
        var device = Device();
        await device.RefreshAsync(Cancel);
        await device.PrefetchAsync(Cancel);
        See(device, 10);
        clock.Pass(TimeSpan.FromMinutes(1));
        return device;
    }

    /// <summary>Shown and ended, one after the other.</summary>
    private async Task<List<Guid>> FillAsync(int count)
    {
        catalog = () => CatalogOf([Line(1, [One])], [One], new AdPolicy(1, 0, 1, 0, 1000, 1000, 1000, 0), epoch: clock.Now);
        var device = await ReadyAsync();
        var records = new List<Guid>();
        for (var i = 0; i < count; i++)
        {
            var status = device.Next(Between).Status!;
            device.End(status, new AdEnd(Quartile.Complete, TimeSpan.FromSeconds(5), false));
            records.Add(status.Record.Id);
            See(device, 1);
        }
        return records;
    }

    private static void See(SponsoredStatuses device, int people)
    {
        for (var i = 0; i < people; i++)
        {
            device.SeeStatus();
            device.SeeStatus();
            device.LeavePerson();
        }
    }

    private SponsoredStatuses Device(Cell? cell = null, SponsoredOptions? options = null)
    {
        var service = new StandIn()
            .On("GET /v1/keys", _ =>
            {
                keyRequests++;
                return StandIn.Json(new KeyList(key.PublicKey, []));
            })
            .On("GET /v1/ads/catalog", request =>
            {
                asked.Add(request);
                if (catalogAnswer is not null) return catalogAnswer(request);
                var answer = StandIn.Json(Sign(catalog(), key));
                answer.Headers.ETag = new EntityTagHeaderValue("\"1\"");
                return answer;
            })
            .On("POST /v1/ads/records", request =>
            {
                asked.Add(request);
                var body = request.Content!.ReadFromJsonAsync<RecordsRequest>(StoriesJson.Options, Cancel).GetAwaiter().GetResult()!;
                submitted.Add(body);
                return recordsAnswer is null ? Accept(body) : recordsAnswer(body);
            });
        var client = new StoriesClient(new Uri("http://service.test"), _ => ValueTask.FromResult("token"), service);
        var device = new SponsoredStatuses(client, store, AdStore.Open(home), cell ?? Berlin, options ?? new SponsoredOptions { Deployment = "here" }, new Storage(this), clock);
        owned.Add(client);
        owned.Add(device);
        return device;
    }

    private static HttpResponseMessage Accept(RecordsRequest request)
    {
        var answer = StandIn.Json(new RecordsAnswer([.. request.Records.Select(r => r.Id)], []));
        answer.StatusCode = HttpStatusCode.Accepted;
        return answer;
    }

    private static HttpResponseMessage Problem(HttpStatusCode status, string code) =>
        new(status) { Content = new StringContent($$"""{"code":"{{code}}","title":"No."}""", Encoding.UTF8, "application/problem+json") };

    private static HttpResponseMessage Bytes(byte[] bytes) => new(HttpStatusCode.OK) { Content = new ByteArrayContent(bytes) };

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = Noon;

        public void Pass(TimeSpan time) => Now += time;

        public override DateTimeOffset GetUtcNow() => Now;
    }

    /// <summary>Where media lie, for everybody of the cell: whoever fetches says not who it is.</summary>
    private sealed class Storage(SponsoredStatusesTests test) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Assert.Null(request.Headers.Authorization);
            Assert.Empty(request.Headers);
            test.fetched.Add(request.RequestUri!);
            return Task.FromResult(test.storageAnswer is null ? Bytes(Picture) : test.storageAnswer(request.RequestUri!));
        }
    }

    private sealed class Endless : ReadOnlyStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(buffer.Length);
    }
}
