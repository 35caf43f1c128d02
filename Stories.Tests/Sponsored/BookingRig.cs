using System.Net.Http.Headers;
using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Client.Sponsored;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using Tier = Stories.Protocol.Sponsored.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>Advertisers and an operator on a service of a test's own.</summary>
internal sealed class BookingRig : IAsyncDisposable
{
    public const string Owner = "shop";

    private readonly List<IDisposable> opened = [];

    private BookingRig(Service service) => Service = service;

    public Service Service { get; }
    public AdsClient Own => Ads(Owner);
    public AdsClient Ops => Ads("operator", "ops");
    public AdCreatives Reviewer => new(Client("reviewer", "ads.review"));
    public DateTimeOffset Now => Service.Clock.GetUtcNow();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<BookingRig> StartAsync(LocalServers servers) => new((await Service.StartAsync(servers, withWorker: false)).AtBeginOfEpoch());

    public AdsClient Ads(string user, string scope = "ads.manage", string app = Service.ChatApp) => new(Client(user, scope, app));

    public HttpClient Http(string user = Owner, string scope = "ads.manage", string? key = null)
    {
        var http = Service.Http(user, scope);
        if (key is not null) http.DefaultRequestHeaders.Add("Idempotency-Key", key);
        http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        opened.Add(http);
        return http;
    }

    public static AdvertiserRequest Request(string name = "Good Bread", byte[]? offerKey = null) => new($"{name} Ltd", name, "DE", "bread@example.test", "EUR", offerKey);

    /// <summary>Registered, verified, and with money.</summary>
    public async Task<AdvertiserView> OpenAsync(long funds = 100_000_000, byte[]? offerKey = null)
    {
        var advertiser = await Own.RegisterAsync(Request(offerKey: offerKey), cancellationToken: Cancel);
        await Ops.DecideAsync(advertiser.Id, AdvertiserDecision.Verify, cancellationToken: Cancel);
        if (funds > 0) await Ops.FundAsync(advertiser.Id, funds, "first", cancellationToken: Cancel);
        return await Own.ReadAdvertiserAsync(Cancel);
    }

    public Task<CampaignView> CampaignAsync(long? budget = null, ConfiguredStatus status = ConfiguredStatus.Active) =>
        Own.FoundCampaignAsync(new CampaignRequest("Spring", CampaignObjective.Reach, budget, NotPolitical: true, status), cancellationToken: Cancel);

    /// <summary>A week, from an hour ago.</summary>
    public LineTerms Terms() => new(
        Tier.Standard, 100, PriceMicros: 5_000_000, BudgetKind.Lifetime, BudgetMicros: 20_000_000, Now.AddHours(-1), Now.AddDays(7), "Europe/Berlin", Pacing.Even, Targets.Everybody, [], []);

    public async Task<LineView> LineAsync(CampaignView campaign, LineTerms? terms = null, params Guid[] creatives) =>
        await Own.BookLineAsync(new LineRequest(campaign.Id, "Rolls", terms ?? Terms(), creatives), cancellationToken: Cancel);

    public Task<LineView> ActiveAsync(Guid line) => Own.ChangeStatusAsync(line, ConfiguredStatus.Active, cancellationToken: Cancel);

    /// <summary>As the pipeline would leave one.</summary>
    public async Task<Guid> CreativeAsync(Guid advertiser, CreativeState state = CreativeState.Approved, CreativeFacts? facts = null)
    {
        var creative = Creative.Prepare(Guid.NewGuid(), advertiser, facts ?? Facts(), Now);
        await Service.ReadAsync(async db =>
        {
            db.Creatives.Add(creative);
            await db.SaveChangesAsync(Cancel);
            return await db.Creatives.Where(c => c.Id == creative.Id).ExecuteUpdateAsync(set => set.SetProperty(c => c.State, state), Cancel);
        });
        return creative.Id;
    }

    public static CreativeFacts Facts(Disclosures? disclosures = null, CallToAction? action = null) =>
        new("Sponsored", "Good Bread", "Rolls at seven", "Good Bread Ltd", "Good Bread Ltd", "A basket of rolls", "de", action ?? CallToAction.None, disclosures ?? new Disclosures());

    /// <summary>As the planner would store one for this epoch.</summary>
    public async Task IssueAsync(params Guid[] lines)
    {
        var epoch = Catalog.EpochAt(Now);
        await Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
            insert into catalogs (cell, epoch, revision, bytes, signature, key, lines, is_dropped)
            values ('chat/tray/DE/de/unknown', {epoch}, (select count(*) from catalogs), '\x00', '\x00', 'key', {lines}, false)
            """, Cancel));
    }

    public Task<int> HandedOutAsync(Guid line) => Service.ReadAsync(db => db.Catalogs.CountAsync(c => !c.IsDropped && c.Lines.Contains(line), Cancel));

    /// <summary>As devices that ask for catalogs leave it.</summary>
    public Task AskAsync(string cell = "chat/tray/DE/de/unknown") => Service.ReadAsync(db => db.Database.ExecuteSqlAsync(
        $"insert into cell_hours (cell, hour, fetches, opportunities) values ({cell}, {Now.AddHours(-1)}, 10, 10) on conflict do nothing", Cancel));

    /// <summary>As counting bills views.</summary>
    public Task BillAsync(Guid line, long views, long micros) => Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
        with l as (update lines set billed = billed + {views}, settled_micros = settled_micros + {micros} where id = {line} returning *),
        c as (update campaigns set settled_micros = settled_micros + {micros} where id = (select campaign_id from l)),
        d as (insert into line_days (line_id, day, budget_micros, billed, settled_micros)
            select {line}, ({Now} at time zone 'Europe/Berlin')::date, case when l.budget_kind = 'Daily' then l.budget_micros end, {views}, {micros} from l)
        update wallets set balance = balance - {micros} where advertiser_id = (select advertiser_id from l)
        """, Cancel));

    public async ValueTask DisposeAsync()
    {
        foreach (var each in opened) each.Dispose();
        await Service.DisposeAsync();
    }

    private StoriesClient Client(string user, string scope, string app = Service.ChatApp)
    {
        var client = new StoriesClient(Service.Address, Service.Token(user, scope, app));
        opened.Add(client);
        return client;
    }
}
