using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using Tier = Stories.Protocol.Sponsored.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>Money is exact, whoever sends what how often, and wherever a worker dies.</summary>
public sealed class SettlementTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("lifetime")]
    [InlineData("day")]
    [InlineData("campaign")]
    [InlineData("wallet")]
    public async Task Views_beyond_what_is_left_are_overdelivered_and_never_billed(string bound)
    {
        await using var service = await Booked.StartAsync(servers, ("Records:ReleaseAt", "20"), ("Records:Remain", "5"));
        var (now, paid) = (service.Clock.GetUtcNow(), Cost.Of(33, Booked.Price));
        var booked = await Booked.BookAsync(
            service, terms: Booked.Terms(now, budget: bound is "lifetime" or "day" ? paid : long.MaxValue / 4, kind: bound == "day" ? BudgetKind.Daily : BudgetKind.Lifetime),
            balance: bound == "wallet" ? paid : long.MaxValue / 4, campaignBudget: bound == "campaign" ? paid : null);
        await Booked.SubmitManyAsync(service, booked.Records(100));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Booked.FoldAsync(service)));
        await Booked.FoldAsync(service);

        var counts = await Booked.CountsAsync(service, booked.Line);
        Assert.Equal((100, 33, 67, paid), (counts["valid"], counts["billed"], counts["overdelivered"], counts["settledMicros"]));
        await Booked.AssertExactAsync(service);

        if (bound != "day") return;
        // The next day of the line's zone has a budget of its own.
        service.Clock.Advance(TimeSpan.FromDays(1));
        await booked.IssueAsync();
        await Booked.SubmitManyAsync(service, booked.Records(50), "tomorrow");
        await Booked.FoldAsync(service);
        counts = await Booked.CountsAsync(service, booked.Line);
        Assert.True(counts["billed"] is 66 or 67, "A thirty-third of a micro's thousand may carry over.");
        await Booked.AssertExactAsync(service);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(0.1)]
    public async Task A_daily_budget_that_is_changed_changes_nothing_of_a_day_that_is_over(double times)
    {
        await using var service = await Booked.StartAsync(servers);
        var budget = Cost.Of(33, Booked.Price);
        var booked = await Booked.BookAsync(service, terms: Booked.Terms(service.Clock.GetUtcNow(), budget: budget, kind: BudgetKind.Daily));
        var late = booked.Records(50);
        await Booked.SubmitManyAsync(service, booked.Records(20));
        await Booked.FoldAsync(service);
        service.Clock.Advance(TimeSpan.FromDays(1));
        var changed = (long)(budget * times);
        await service.ReadAsync(db => db.Database.ExecuteSqlAsync($$"""update lines set budget_micros = {{changed}}, terms = jsonb_set(terms, '{budgetMicros}', to_jsonb({{changed}})) where id = {{booked.Line}}""", Cancel));
        Assert.Equal(changed, (await service.ReadAsync(db => db.Lines.SingleAsync(l => l.Id == booked.Line, Cancel))).Terms.BudgetMicros);
        await Booked.SubmitManyAsync(service, late, "late");
        await Booked.FoldAsync(service);

        Assert.Equal(33, (await Booked.CountsAsync(service, booked.Line))["billed"]);
        Assert.Equal(budget, await service.ReadAsync(db => db.LineDays.Where(d => d.LineId == booked.Line).Select(d => d.BudgetMicros).SingleAsync(Cancel)));
        await Booked.AssertExactAsync(service);
    }

    [Theory]
    [InlineData(-30, 33, 33)]
    [InlineData(0, 33)]
    public async Task An_hour_that_lies_in_two_days_of_a_zone_is_paid_by_both_budgets_and_never_by_a_day_before_the_flight(int firstDay, params int[] billed)
    {
        await using var service = await Booked.StartAsync(servers);
        // Ten minutes after midnight in India, which is half past an hour everywhere else.
        var midnight = new DateTimeOffset(service.Clock.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero).AddDays(1).AddHours(18.5);
        service.Clock.MoveTo(midnight.AddMinutes(10));
        var terms = Booked.Terms(midnight, budget: Cost.Of(33, Booked.Price), kind: BudgetKind.Daily, zone: "Asia/Kolkata") with { StartsAt = midnight.AddDays(firstDay) };
        var booked = await Booked.BookAsync(service, terms: terms);
        await Booked.SubmitManyAsync(service, booked.Records(20));
        await Booked.FoldAsync(service);
        await Booked.SubmitManyAsync(service, booked.Records(60), "later");
        await Booked.FoldAsync(service);

        var days = await service.ReadAsync(db => db.LineDays.OrderBy(d => d.Day).Select(d => new { d.Day, d.Billed }).ToListAsync(Cancel));
        Assert.Equal(billed, days.Select(d => (int)d.Billed));
        Assert.Equal(DateOnly.FromDateTime(midnight.UtcDateTime).AddDays(1), days[^1].Day);
        Assert.Equal(80 - billed.Sum(), (await Booked.CountsAsync(service, booked.Line))["overdelivered"]);
        await Booked.AssertExactAsync(service);
    }

    [Fact]
    public async Task Two_lines_share_a_wallet_and_a_budget_that_is_raised_or_lowered_counts_from_then_on()
    {
        await using var service = await Booked.StartAsync(servers);
        var now = service.Clock.GetUtcNow();
        var one = await Booked.BookAsync(service, balance: Cost.Of(30, Booked.Price), terms: Booked.Terms(now, budget: Cost.Of(10, Booked.Price)));
        var two = await Booked.BookAsync(service, beside: one);
        await Booked.SubmitManyAsync(service, [.. one.Records(20), .. two.Records(50)]);
        await Booked.FoldAsync(service);
        var (first, second) = (await Booked.CountsAsync(service, one.Line), await Booked.CountsAsync(service, two.Line));
        Assert.Equal(30, first.GetValueOrDefault("billed") + second.GetValueOrDefault("billed"));
        Assert.True(first.GetValueOrDefault("billed") <= 10);
        await Booked.AssertExactAsync(service);
    }

    [Theory]
    [InlineData(Tier.House, Booked.Price)]
    [InlineData(Tier.Standard, 0)]
    public async Task The_house_and_what_has_no_price_are_free(Tier tier, long price)
    {
        await using var service = await Booked.StartAsync(servers);
        var booked = await Booked.BookAsync(service, terms: Booked.Terms(service.Clock.GetUtcNow(), tier: tier, price: price));
        await Booked.SubmitAsync(service, "bob", booked.Records(7));
        await Booked.FoldAsync(service);
        var counts = await Booked.CountsAsync(service, booked.Line);
        Assert.Equal((7, 7, false), (counts["viewable"], counts["free"], counts.ContainsKey("billed")));
        await Booked.AssertExactAsync(service);
    }

    [Fact]
    public async Task Replaying_all_traffic_in_any_order_twice_by_32_clients_at_once_changes_no_balance()
    {
        await using var service = await Booked.StartAsync(servers, ("Records:ReleaseAt", "100"), ("Records:Remain", "20"), ("Records:PerDay", "100000"));
        var lines = new List<Booked> { await Booked.BookAsync(service) };
        lines.Add(await Booked.BookAsync(service, beside: lines[0], terms: Booked.Terms(service.Clock.GetUtcNow(), budget: Cost.Of(40, Booked.Price))));
        lines.Add(await Booked.BookAsync(service, "rival", terms: Booked.Terms(service.Clock.GetUtcNow(), price: 333)));
        AdRecord[] traffic = [.. lines.SelectMany(l => l.Records(200)), .. lines.SelectMany(l => l.Records(20).Select(r => r with { Ordinal = 9 }))];
        await Booked.SubmitManyAsync(service, traffic);
        await Booked.FoldAsync(service);
        await Booked.AssertExactAsync(service);
        var before = await MoneyAsync(service);
        var counts = await Booked.CountsAsync(service);

        // Workers count meanwhile, several at once.
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var folding = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested) await Booked.FoldAsync(service);
        }, Cancel)).ToList();
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async client =>
        {
            for (var round = 0; round < 2; round++)
            {
                var order = traffic.ToArray();
                new Random((client * 2) + round).Shuffle(order);
                foreach (var part in order.Chunk(RecordsRequest.MaxRecords)) await Booked.SubmitAsync(service, $"replayer-{client}", part);
            }
        }));
        await done.CancelAsync();
        await Task.WhenAll(folding);
        await Booked.FoldAsync(service);

        Assert.Equal(before, await MoneyAsync(service));
        var after = await Booked.CountsAsync(service);
        Assert.Equal(traffic.Length * 64, after["duplicate"]);
        foreach (var (counter, value) in counts.Where(c => c.Key is not ("received" or "duplicate"))) Assert.Equal(value, after[counter]);
        await Booked.AssertExactAsync(service);
    }

    [Theory]
    [InlineData("fold:counted")]
    [InlineData("fold:committed")]
    public async Task A_worker_that_is_killed_while_it_counts_has_counted_all_or_nothing(string place)
    {
        await using var service = await Booked.StartAsync(servers);
        var booked = await Booked.BookAsync(service);
        await Booked.SubmitManyAsync(service, booked.Records(120));
        await using (var doomed = service.StartProcess("Worker", ("STORIES_CRASH_AT", place), ("Records__FoldEvery", "00:00:00.200")))
            Assert.Equal(128 + 9, await doomed.WaitForEndAsync(Cancel));
        await service.UntilNobodyHasATurnAsync();

        Assert.Equal(place == "fold:counted" ? 0 : 120, (await Booked.CountsAsync(service)).GetValueOrDefault("valid"));
        await Booked.AssertExactAsync(service);
        await Booked.FoldAsync(service);
        Assert.Equal(120, (await Booked.CountsAsync(service))["billed"]);
        Assert.Equal(0, await service.ReadAsync(db => db.RecordPools.CountAsync(Cancel)));
        await Booked.AssertExactAsync(service);
    }

    [Fact]
    public async Task Forged_records_change_no_balance()
    {
        var most = Fixtures.Tier.Rounds(usually: 20_000, inTheLongTier: 1_000_000);
        await using var service = await Booked.StartAsync(servers);
        var booked = await Booked.BookAsync(service);
        await Booked.SubmitAsync(service, "bob", booked.Records(3));
        await Booked.FoldAsync(service);
        var before = await MoneyAsync(service);

        var random = new Random(1);
        await Booked.SubmitManyAsync(service, Enumerable.Range(0, most).Select(i => Forge(booked, random, i)), "forger");
        await Booked.FoldAsync(service);

        Assert.Equal(before, await MoneyAsync(service));
        var counts = await Booked.CountsAsync(service);
        Assert.Equal((most + 3, 3, most), (counts["received"], counts["valid"], counts["invalid"]));
        // Made-up names make no rows: there are some for each reason, and hour in which they came.
        Assert.True(await service.ReadAsync(db => db.Counts.CountAsync(Cancel)) < 200);
        await Booked.AssertExactAsync(service);
    }

    [Fact]
    public async Task Views_after_the_lines_end_are_not_billed()
    {
        await using var service = await Booked.StartAsync(servers);
        var now = service.Clock.GetUtcNow();
        var booked = await Booked.BookAsync(service, terms: Booked.Terms(now) with { EndsAt = DateTimeOffset.FromUnixTimeSeconds(AdRecord.HourOf(now)) });
        await Booked.SubmitAsync(service, "bob", booked.Records(2));
        await Booked.FoldAsync(service);
        Assert.Equal(2, (await Booked.CountsAsync(service))["overdelivered"]);
        await Booked.AssertExactAsync(service);
    }

    [Fact]
    public async Task What_is_given_back_is_given_once_and_never_more_than_was_billed()
    {
        await using var service = await Booked.StartAsync(servers);
        var booked = await Booked.BookAsync(service, terms: Booked.Terms(service.Clock.GetUtcNow(), price: 333_333));
        await Booked.SubmitAsync(service, "bob", booked.Records(40));
        await Booked.FoldAsync(service);
        using var ops = service.Http("operator", "ops");
        var balance = (await MoneyAsync(service)).Wallets;

        var given = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => CreditAsync(ops, booked.Line, "a", 13)));
        Assert.All(given, g => Assert.Equal(HttpStatusCode.OK, g.Status));
        Assert.Equal([Cost.Of(13, 333_333)], given.Select(g => g.View!.AmountMicros).Distinct());
        Assert.Equal(HttpStatusCode.Conflict, (await CreditAsync(ops, booked.Line, "b", 28)).Status);
        Assert.Equal(Api.Hosting.Problems.Status(ProblemCodes.AdsReferenceUsed), (int)(await CreditAsync(ops, booked.Line, "a", 14)).Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await CreditAsync(ops, booked.Line, "c", 0)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await CreditAsync(ops, Guid.NewGuid(), "c", 1)).Status);
        Assert.Equal(HttpStatusCode.OK, (await CreditAsync(ops, booked.Line, "b2", 27)).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await CreditAsync(ops, booked.Line, "d", 1)).Status);

        // All that was billed, to the micro.
        Assert.Equal(balance + Cost.Of(40, 333_333), (await MoneyAsync(service)).Wallets);
        Assert.Equal((40, 40), ((await Booked.CountsAsync(service))["credited"], (await Booked.CountsAsync(service))["credited.goodwill"]));
        await Booked.AssertExactAsync(service);
    }

    private static async Task<(HttpStatusCode Status, CreditView? View)> CreditAsync(HttpClient ops, Guid line, string key, long views)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"v1/ads/lines/{line}/credits") { Content = JsonContent.Create(new CreditRequest(views, CreditReason.Goodwill, key), options: StoriesJson.Options) };
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString("N"));
        using var answer = await ops.SendAsync(request, Cancel);
        return (answer.StatusCode, answer.IsSuccessStatusCode ? await answer.Content.ReadFromJsonAsync<CreditView>(StoriesJson.Options, Cancel) : null);
    }

    private static AdRecord Forge(Booked booked, Random random, int i)
    {
        var record = booked.Record();
        return (i % 8) switch
        {
            0 => record with { Line = Guid.NewGuid(), Cell = $"{random.Next()}" },
            1 => record with { Creative = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()) + Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()) },
            2 => record with { Epoch = record.Epoch - (Catalog.EpochSeconds * random.Next(1, 500)) },
            3 => record with { Hour = record.Hour + random.Next(1, 3599) },
            4 => record with { Ordinal = random.Next(7, int.MaxValue) },
            5 => record with { Dwell = (DwellBucket)random.Next(0, 3) },
            6 => record with { Cell = $"{Service.ChatApp}/tray/{random.Next()}" },
            _ => record with { Action = AdAction.MessageBusiness },
        };
    }

    private static Task<(long Wallets, long Settled, int Transfers)> MoneyAsync(Service service) => service.ReadAsync(async db =>
        (await db.Wallets.SumAsync(w => w.Balance, Cancel), await db.Lines.SumAsync(l => l.SettledMicros, Cancel), await db.Transfers.CountAsync(Cancel)));
}
