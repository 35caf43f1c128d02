using Microsoft.Extensions.DependencyInjection;
using Stories.Client;
using Stories.Client.Sponsored;
using Stories.Core.Jobs;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using Stories.Tests.Media;
using Stories.Worker.Sponsored;
using Tier = Stories.Protocol.Sponsored.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>A whole service with an advertiser, a reviewer and viewers, each through the SDK; the worker's parts are run by hand.</summary>
internal sealed class Campaigning : IAsyncDisposable
{
    public const string Owner = "shop";
    private readonly List<IDisposable> opened = [];
    private readonly string folder = Directory.CreateTempSubdirectory("stories-campaigning-").FullName;

    private Campaigning(Service service) => Service = service;

    public Service Service { get; }
    public AdsClient Ads => new(Client(Owner, "ads.manage"));
    public AdsClient Ops => new(Client("operator", "ops"));
    public AdCreatives Creatives => new(Client(Owner, "ads.manage"));
    public AdCreatives Reviewer(string user = "reviewer") => new(Client(user, "ads.review"));
    public DateTimeOffset Now => Service.Clock.GetUtcNow();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<Campaigning> StartAsync(LocalServers servers, Dictionary<string, string?>? settings = null, FaultProxy? toStorage = null)
    {
        var rig = new Campaigning((await Service.StartAsync(servers, new Dictionary<string, string?>(settings ?? []) { ["Records:ReleaseAfter"] = "00:00:00.100" }, toStorage: toStorage)).AtBeginOfEpoch());
        var advertiser = await rig.Ads.RegisterAsync(BookingRig.Request(), cancellationToken: Cancel);
        await rig.Ops.DecideAsync(advertiser.Id, AdvertiserDecision.Verify, cancellationToken: Cancel);
        await rig.Ops.FundAsync(advertiser.Id, 100_000_000, "first", cancellationToken: Cancel);
        return rig;
    }

    public StoriesClient Client(string user, string scope)
    {
        var client = new StoriesClient(Service.Address, Service.Token(user, scope));
        opened.Add(client);
        return client;
    }

    /// <summary>Upright, with something on it.</summary>
    public static Task<string> ClipAsync(double seconds = 4, string size = "270x480", string source = "testsrc2") =>
        Tools.MakeAsync("clip.mp4", "-f", "lavfi", "-i", $"{source}=size={size}:rate=25:duration={seconds.ToString(System.Globalization.CultureInfo.InvariantCulture)}", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast");

    public static Task<string> PictureAsync(string source = "testsrc2=size=540x960") => Tools.MakeAsync("picture.png", "-f", "lavfi", "-i", source, "-frames:v", "1");

    public static CreativeFacts Facts(string headline = "Warm rolls from six", CallToAction? action = null) =>
        new("Sponsored", "Good Bread", headline, "Good Bread Ltd", "Good Bread Ltd", "Rolls on a table", "de", action ?? CallToAction.None, new Disclosures());

    /// <summary>Prepared, uploaded, and waiting for the worker.</summary>
    public async Task<CreativeView> WaitingAsync(string file, CreativeFacts? facts = null)
    {
        var client = Client(Owner, "ads.manage");
        using var store = DeviceStore.Open(Path.Combine(folder, Guid.NewGuid().ToString("N")));
        var self = new UserName(Service.ChatApp, Owner);
        var poster = new Poster(client, store, new Stories.Client.Audiences(client, store, self), self, Service.Clock);
        var (upload, ciphertext) = await poster.UploadAsync(file, Level.Clear, (_, _) => { }, Cancel);
        var creative = await Creatives.PrepareAsync(facts ?? Facts(), cancellationToken: Cancel);
        return await Creatives.MakeAsync(creative.Id, upload, ciphertext, cancellationToken: Cancel);
    }

    public async Task<CreativeView> MadeAsync(string file, CreativeFacts? facts = null)
    {
        var creative = await WaitingAsync(file, facts);
        await WorkAsync<MakeCreatives>(make => make.RunAsync(Cancel));
        return await Creatives.ReadAsync(creative.Id, Cancel);
    }

    public async Task<CreativeView> ApprovedAsync(string? file = null, CreativeFacts? facts = null)
    {
        var creative = await MadeAsync(file ?? await PictureAsync(), facts);
        await Creatives.SubmitAsync(creative.Id, cancellationToken: Cancel);
        return await Reviewer().ReviewAsync(creative.Id, new ReviewRequest(ReviewDecision.Approve), cancellationToken: Cancel);
    }

    public LineTerms Terms(Pacing pacing = Pacing.Asap, Targets? targets = null, long budget = 20_000_000) => new(
        Tier.Standard, 100, PriceMicros: 5_000_000, BudgetKind.Lifetime, budget, Now.AddHours(-1), Now.AddDays(7), "Europe/Berlin", pacing, targets ?? Targets.Everybody, [], []);

    /// <param name="ads">Whose; null: the owner's.</param>
    public async Task<LineView> ActiveLineAsync(Guid creative, LineTerms? terms = null, AdsClient? ads = null)
    {
        ads ??= Ads;
        var campaign = await ads.FoundCampaignAsync(new CampaignRequest("Spring", CampaignObjective.Reach, null, NotPolitical: true, ConfiguredStatus.Active), cancellationToken: Cancel);
        var line = await ads.BookLineAsync(new LineRequest(campaign.Id, "Rolls", terms ?? Terms(), [creative]), cancellationToken: Cancel);
        return await ads.ChangeStatusAsync(line.Id, ConfiguredStatus.Active, cancellationToken: Cancel);
    }

    public async Task PlanAsync()
    {
        await WorkAsync<PlanCatalogs>(plan => plan.RunAsync(Cancel));
        // As long as who was told that there is none yet is to wait: the Api remembers that for a moment.
        Service.Clock.Advance(TimeSpan.FromSeconds(1));
    }

    public Task FoldAsync() => WorkAsync<IFoldRecords>(fold => fold.RunAsync(Cancel));

    public async Task WorkAsync<T>(Func<T, Task> work) where T : notnull
    {
        await using var scope = Service.Worker.CreateAsyncScope();
        await work(scope.ServiceProvider.GetRequiredService<T>());
    }

    /// <summary>A viewer's device, with the catalog of its cell and media fetched.</summary>
    public async Task<(UserSession Session, SponsoredStatuses Statuses)> ViewerAsync(string user, string country = "DE", string language = "de")
    {
        var session = Service.User(user);
        var statuses = new SponsoredStatuses(session.Client, session.Store, AdStore.Open(Path.Combine(folder, user)), new Cell(Service.ChatApp, Placement.Tray, country, language, AgeBand.Unknown), time: Service.Clock);
        opened.Add(statuses);
        await statuses.RefreshAsync(Cancel);
        await statuses.PrefetchAsync(Cancel);
        return (session, statuses);
    }

    /// <summary>Four people with two statuses each, ten seconds a status; then a boundary with somebody after it.</summary>
    public AdDecision Watch(SponsoredStatuses statuses)
    {
        statuses.BeginSession();
        for (var person = 0; person < 4; person++)
        {
            for (var status = 0; status < 2; status++)
            {
                Service.Clock.Advance(TimeSpan.FromSeconds(10));
                statuses.SeeStatus();
            }
            statuses.LeavePerson();
        }
        return statuses.Next(new AdBoundary(InsideOnePerson: false, UnseenPeopleAhead: 2));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in opened) one.Dispose();
        await Service.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
