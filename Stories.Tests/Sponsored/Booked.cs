using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Stories.Api.Operating;
using Stories.Core.Data;
using Stories.Core.Jobs;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using Tier = Stories.Protocol.Sponsored.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>A line with a creative in a catalog, put into the database as booking and planning would leave it, and records of it.</summary>
internal sealed record Booked(Service Service, string Owner, Guid Advertiser, Guid Campaign, Guid Line, string Creative, string Cell)
{
    public const long Price = 5_000_000;
    public const string AnyCell = Service.ChatApp + "/tray/DE/de/unknown";
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Of the catalog that was issued last: another epoch may have begun since.</summary>
    public long Epoch { get; private set; }

    public static Task<Service> StartAsync(LocalServers servers, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var settings = new Dictionary<string, string?> { ["Records:ReleaseAfter"] = "00:00:00.100" };
        foreach (var (name, value) in more) settings[name] = value;
        return Service.StartAsync(servers, settings);
    }

    public static LineTerms Terms(
        DateTimeOffset now, long budget = 1_000_000_000, BudgetKind kind = BudgetKind.Lifetime, long price = Price, Tier tier = Tier.Standard, string zone = "Europe/Berlin", params Cap[] caps) =>
        new(tier, 1, price, kind, budget, now - TimeSpan.FromDays(30), now + TimeSpan.FromDays(60), zone, Pacing.Even, Targets.Everybody, [], caps);

    public static async Task<Booked> BookAsync(
        Service service, string owner = "acme", LineTerms? terms = null, long balance = 1_000_000_000, long? campaignBudget = null, CallToAction? action = null, TimeSpan? duration = null, bool isPicture = false, Booked? beside = null)
    {
        var now = service.Clock.GetUtcNow();
        await using var db = OperatorCommand.OpenDatabase(service.Database);
        var advertiser = beside?.Advertiser ?? Guid.NewGuid();
        if (beside is null)
        {
            var registered = Advertiser_(advertiser, owner, now);
            var wallet = Wallet.Open(advertiser, "EUR");
            db.AddRange(registered, wallet);
            if (balance > 0) db.Transfers.Add(Transfer.Fund(Guid.NewGuid(), wallet, balance, $"fund:{advertiser:N}", now));
        }
        var campaign = Core.Sponsored.Campaign.Found(Guid.NewGuid(), advertiser, "Autumn", CampaignObjective.Reach, campaignBudget, now);
        var line = Core.Sponsored.Line.Book(Guid.NewGuid(), campaign, "Tray", terms ?? Terms(now), now);
        line.Configure(ConfiguredStatus.Active, now);
        var facts = new CreativeFacts("Sponsored", "Acme", "New", "Acme", "Acme", "A jar", "de", action ?? new CallToAction(CallToActionKind.OpenUrl, "https://acme.test/"), new Disclosures());
        var creative = Core.Sponsored.Creative.Prepare(Guid.NewGuid(), advertiser, facts, now);
        db.AddRange(campaign, line, creative, LineCreative.Of(line.Id, creative.Id));
        await db.SaveChangesAsync(Cancel);
        var digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(creative.Id.ToByteArray()));
        if (beside is null) await db.Database.ExecuteSqlAsync($"update wallets set balance = {balance} where advertiser_id = {advertiser}", Cancel);
        var milliseconds = isPicture ? (long?)null : (long)(duration ?? Length).TotalMilliseconds;
        await db.Database.ExecuteSqlAsync($"update creatives set state = 'Approved', digest = {digest}, duration = {milliseconds} where id = {creative.Id}", Cancel);
        var booked = new Booked(service, owner, advertiser, campaign.Id, line.Id, digest, AnyCell);
        await booked.IssueAsync();
        return booked;

        static Core.Sponsored.Advertiser Advertiser_(Guid id, string owner, DateTimeOffset now) =>
            Core.Sponsored.Advertiser.Register(id, new UserName(Service.ChatApp, owner), "Acme Ltd", "Acme", "DE", "ads@acme.test", null, now);
    }

    /// <summary>A catalog of now that holds the line, as the planner would issue it.</summary>
    public async Task IssueAsync()
    {
        Epoch = Catalog.EpochAt(Service.Clock.GetUtcNow());
        await Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"""
            insert into catalogs (cell, epoch, revision, bytes, signature, key, lines, is_dropped) values ({Cell}, {Epoch}, 1, '', '', 'k', {new[] { Line }}, false)
            on conflict (cell, epoch, revision) do update set lines = catalogs.lines || excluded.lines
            """, Cancel));
    }

    /// <summary>Valid and billable, shown just now.</summary>
    public AdRecord Record(int ordinal = 1) => new(
        Guid.NewGuid(), Line, Creative, Cell, Epoch, AdRecord.HourOf(Service.Clock.GetUtcNow()), ordinal, Quartile.Complete, DwellBucket.SixToFifteen, false, AdAction.None);

    public AdRecord[] Records(int count) => [.. Enumerable.Range(0, count).Select(_ => Record())];

    public static Task<HttpResponseMessage> PostAsync(HttpClient http, IReadOnlyList<AdRecord> records, IReadOnlyList<OpportunityTally>? opportunities = null) =>
        http.PostAsJsonAsync("v1/ads/records", new RecordsRequest(records, opportunities), StoriesJson.Options, Cancel);

    public static async Task<RecordsAnswer> SubmitAsync(Service service, string user, params AdRecord[] records)
    {
        using var http = service.Http(user);
        using var answer = await PostAsync(http, records);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<RecordsAnswer>(StoriesJson.Options, Cancel))!;
    }

    /// <summary>By many accounts, none of which has much.</summary>
    public static async Task SubmitManyAsync(Service service, IEnumerable<AdRecord> records, string prefix = "viewer")
    {
        var parts = records.Chunk(RecordsRequest.MaxRecords).ToList();
        await Parallel.ForEachAsync(parts.Index(), new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancel }, async (part, _) => await SubmitAsync(service, $"{prefix}-{part.Index / 4}", part.Item));
    }

    /// <summary>Counts all that came until now.</summary>
    public static async Task FoldAsync(Service service, IServiceProvider? worker = null)
    {
        service.Clock.Advance(TimeSpan.FromSeconds(1));
        await using var scope = (worker ?? service.Worker).CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<IFoldRecords>().RunAsync(Cancel);
    }

    /// <summary>All sums of a line, or of all.</summary>
    public static Task<Dictionary<string, long>> CountsAsync(Service service, Guid? line = null) =>
        service.ReadAsync(db => db.Counts.Where(c => line == null || c.LineId == line).GroupBy(c => c.Counter).Select(g => new { g.Key, Sum = g.Sum(c => c.Value) }).ToDictionaryAsync(g => g.Key, g => g.Sum, Cancel));

    /// <summary>What must hold of money and counts, whatever has happened.</summary>
    public static Task AssertExactAsync(Service service) => service.ReadAsync(async db =>
    {
        var transfers = await db.Transfers.AsNoTracking().ToListAsync(Cancel);
        var accounts = new Dictionary<string, long>();
        foreach (var transfer in transfers)
        {
            accounts[transfer.Debit] = accounts.GetValueOrDefault(transfer.Debit) - transfer.Amount;
            accounts[transfer.Credit] = accounts.GetValueOrDefault(transfer.Credit) + transfer.Amount;
        }
        Assert.Equal(0, accounts.Values.Sum());
        foreach (var wallet in await db.Wallets.AsNoTracking().ToListAsync(Cancel)) Assert.Equal(wallet.Balance, accounts.GetValueOrDefault(Accounts.Wallet(wallet.AdvertiserId)));

        var counts = (await db.Counts.AsNoTracking().ToListAsync(Cancel)).ToLookup(c => (c.LineId, c.Hour, c.Cell, c.Creative));
        foreach (var place in counts)
        {
            long Of(string counter) => place.Where(c => c.Counter == counter).Sum(c => c.Value);
            Assert.Equal(Of(Counters.Received), Of(Counters.Valid) + Of(Counters.Duplicate) + Of(Counters.Invalid) + Of(Counters.Late));
            Assert.Equal(Of(Counters.Valid), Of(Counters.Billed) + Of(Counters.Overdelivered) + Of(Counters.Free));
            Assert.Equal(Of(Counters.Invalid), Enum.GetValues<InvalidReason>().Sum(r => Of(Counters.Of(r))));
            Assert.All(place, c => Assert.True(c.Value > 0));
        }
        var days = await db.LineDays.AsNoTracking().ToListAsync(Cancel);
        foreach (var line in await db.Lines.AsNoTracking().ToListAsync(Cancel))
        {
            long Of(string counter) => counts.Where(p => p.Key.LineId == line.Id).SelectMany(p => p).Where(c => c.Counter == counter).Sum(c => c.Value);
            Assert.Equal(Cost.Of(line.Billed, line.Terms.PriceMicros), line.SettledMicros);
            Assert.Equal((line.Billed, line.SettledMicros), (Of(Counters.Billed), Of(Counters.SettledMicros)));
            Assert.Equal((line.Billed, line.SettledMicros), (days.Where(d => d.LineId == line.Id).Sum(d => d.Billed), days.Where(d => d.LineId == line.Id).Sum(d => d.SettledMicros)));
            Assert.Equal(line.SettledMicros, transfers.Where(t => t.LineId == line.Id && t.Kind == TransferKind.Settlement).Sum(t => t.Amount));
        }
        return true;
    });
}
