using Microsoft.EntityFrameworkCore;
using Npgsql;
using Stories.Core.Sponsored;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Sponsored;

public sealed class MoneyTests(LocalServers servers) : IAsyncLifetime
{
    private BookingRig rig = null!;
    private AdvertiserView advertiser = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        rig = await BookingRig.StartAsync(servers);
        advertiser = await rig.OpenAsync(funds: 0);
    }

    public ValueTask DisposeAsync() => rig.DisposeAsync();

    [Fact]
    public async Task A_payment_is_one_transfer_and_its_reference_is_booked_once()
    {
        var first = await rig.Ops.FundAsync(advertiser.Id, 100_000_000, "bank 1", cancellationToken: Cancel);
        var again = await rig.Ops.FundAsync(advertiser.Id, 100_000_000, "bank 1", cancellationToken: Cancel);
        Assert.Equal((first.Id, first.AmountMicros), (again.Id, again.AmountMicros));
        Assert.Equal("ads.referenceUsed", (await Refused(() => rig.Ops.FundAsync(advertiser.Id, 1, "bank 1", cancellationToken: Cancel))).Code);
        Assert.Equal((TransferKind.Funding, Accounts.Outside, Accounts.Wallet(advertiser.Id), 100_000_000, "EUR"), (first.Kind, first.Debit, first.Credit, first.AmountMicros, first.Currency));
        Assert.Equal(100_000_000, (await rig.Own.ReadAdvertiserAsync(Cancel)).Wallet.BalanceMicros);
        Assert.Equal(again, Assert.Single((await rig.Own.ListTransfersAsync(cancellationToken: Cancel)).Transfers));
        // Who paid is nowhere in the ledger.
        Assert.DoesNotContain("bank", Assert.Single((await Tables.AllRowsAsync(rig.Service.Database, Cancel))["transfers"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Thirty_two_operators_at_once_book_a_payment_once_and_thirty_two_payments_all()
    {
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => rig.Ops.FundAsync(advertiser.Id, 7, "the same", cancellationToken: Cancel)));
        await Task.WhenAll(Enumerable.Range(0, 32).Select(i => rig.Ops.FundAsync(advertiser.Id, 1 + i, $"another {i}", cancellationToken: Cancel)));
        Assert.Equal(7 + (32 * 33 / 2), (await rig.Own.ReadAdvertiserAsync(Cancel)).Wallet.BalanceMicros);
        Assert.Equal(33, await rig.Service.ReadAsync(db => db.Transfers.CountAsync(Cancel)));
        await AssertBalancedAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public async Task An_amount_is_above_nothing_and_below_what_a_wallet_holds(long amount)
    {
        Assert.Equal("amountMicros", Assert.Single((await Refused(() => rig.Ops.FundAsync(advertiser.Id, amount, "odd", cancellationToken: Cancel))).Faults).Field);
        await rig.Service.ReadAsync(db => db.Wallets.ExecuteUpdateAsync(set => set.SetProperty(w => w.Balance, AdvertiserRules.MaxMicros * 10), Cancel));
        Assert.Equal("ads.walletFull", (await Refused(() => rig.Ops.FundAsync(advertiser.Id, 1, "full", cancellationToken: Cancel))).Code);
        Assert.Equal("notFound", (await Refused(() => rig.Ops.FundAsync(Guid.NewGuid(), 1, "nobody", cancellationToken: Cancel))).Code);
    }

    [Fact]
    public async Task The_ledger_is_read_in_pages_newest_first()
    {
        foreach (var i in Enumerable.Range(0, 5)) await rig.Ops.FundAsync(advertiser.Id, 1 + i, $"payment {i}", cancellationToken: Cancel);
        // Even when all came at one instant.
        await rig.Service.ReadAsync(db => db.Transfers.ExecuteUpdateAsync(set => set.SetProperty(t => t.At, rig.Now), Cancel));
        var found = new List<long>();
        var http = rig.Http();
        for (Guid? before = null; ;)
        {
            var page = System.Text.Json.JsonSerializer.Deserialize<TransferList>(await http.GetStringAsync($"v1/ads/transfers?limit=2{(before is null ? "" : $"&before={before}")}", Cancel), Stories.Protocol.StoriesJson.Options)!;
            Assert.InRange(page.Transfers.Count, 1, 2);
            found.AddRange(page.Transfers.Select(t => t.AmountMicros));
            before = page.Before;
            if (before is null) break;
        }
        Assert.Equal([1, 2, 3, 4, 5], found.Order());
        Assert.Equal("notFound", (await Refused(() => rig.Own.ListTransfersAsync(Guid.NewGuid(), Cancel))).Code);
    }

    [Theory]
    [InlineData("update lines set settled_micros = budget_micros + 1", "ck_lines_settled")]
    [InlineData("update lines set settled_micros = -1", "ck_lines_settled")]
    [InlineData("update campaigns set settled_micros = budget_micros + 1", "ck_campaigns_settled")]
    [InlineData("update line_days set settled_micros = budget_micros + 1", "ck_line_days_settled")]
    [InlineData("update wallets set balance = -1", "ck_wallets_balance")]
    [InlineData("update transfers set amount = 0", "ck_transfers_amount")]
    [InlineData("update transfers set credit = debit", "ck_transfers_accounts")]
    public async Task The_database_itself_refuses_what_would_be_too_much(string sql, string constraint)
    {
        await rig.Ops.FundAsync(advertiser.Id, 100_000_000, "bank", cancellationToken: Cancel);
        var line = await rig.LineAsync(await rig.CampaignAsync(budget: 50_000_000));
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlAsync($"insert into line_days (line_id, day, budget_micros, billed, settled_micros) values ({line.Id}, '2026-01-01', 5, 0, 0)", Cancel));
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => rig.Service.ReadAsync(db => db.Database.ExecuteSqlRawAsync(sql, Cancel)));
        Assert.Equal((PostgresErrorCodes.CheckViolation, constraint), (refusal.SqlState, refusal.ConstraintName));
        await AssertBalancedAsync();
    }

    [Theory]
    [InlineData(0, 5_000_000, 0)]
    [InlineData(1, 5_000_000, 5_000)]
    [InlineData(3, 333, 0)]
    [InlineData(4, 333, 1)]
    [InlineData(1_000, 1, 1)]
    [InlineData(long.MaxValue, 1_000, long.MaxValue)]
    public void A_number_of_views_has_one_price(long views, long price, long cost) => Assert.Equal(cost, Cost.Of(views, price));

    [Fact]
    public void What_a_sum_pays_for_is_the_most_that_costs_no_more()
    {
        var random = new Random(5);
        for (var i = 0; i < 100_000; i++)
        {
            var (billed, price, sum) = (random.NextInt64(1_000_000), 1 + random.NextInt64(random.Next(2) == 0 ? 3_000 : 20_000_000), random.NextInt64(50_000_000));
            var most = Cost.Affordable(billed, price, sum);
            Assert.True(Cost.Of(billed + most, price) - Cost.Of(billed, price) <= sum);
            Assert.True(Cost.Of(billed + most + 1, price) - Cost.Of(billed, price) > sum);
        }
    }

    /// <summary>Every wallet holds what its transfers say, and all accounts together nothing.</summary>
    private async Task AssertBalancedAsync()
    {
        var transfers = await rig.Service.ReadAsync(db => db.Transfers.AsNoTracking().ToListAsync(Cancel));
        var accounts = transfers.SelectMany(t => new[] { (Account: t.Debit, Amount: -t.Amount), (Account: t.Credit, t.Amount) }).GroupBy(a => a.Account).ToDictionary(g => g.Key, g => g.Sum(a => a.Amount));
        Assert.Equal(0, accounts.Values.Sum());
        foreach (var wallet in await rig.Service.ReadAsync(db => db.Wallets.AsNoTracking().ToListAsync(Cancel)))
            Assert.Equal(wallet.Balance, accounts.GetValueOrDefault(Accounts.Wallet(wallet.AdvertiserId)));
    }
}
