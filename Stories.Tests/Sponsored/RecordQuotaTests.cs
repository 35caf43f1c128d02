using System.Net;
using Microsoft.EntityFrameworkCore;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Sponsored;

/// <summary>An account submits so many records in a day; what of, stands nowhere beside it.</summary>
public sealed class RecordQuotaTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_day_takes_as_many_as_the_quota_and_nothing_of_what_is_over_it_is_kept()
    {
        await using var service = await Booked.StartAsync(servers, ("Records:PerDay", "60"));
        var booked = await Booked.BookAsync(service);
        service.Clock.MoveTo(Noon(service));
        await booked.IssueAsync();
        using var http = service.Http("bob");
        await Booked.SubmitAsync(service, "bob", booked.Records(50));
        using (var over = await Booked.PostAsync(http, booked.Records(11)))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, over.StatusCode);
            Assert.Contains(ProblemCodes.QuotaRecords, await over.Content.ReadAsStringAsync(Cancel));
        }
        await Booked.SubmitAsync(service, "bob", booked.Records(10));
        await Booked.SubmitAsync(service, "carol", booked.Records(1));
        await Booked.FoldAsync(service);
        Assert.Equal(61, (await Booked.CountsAsync(service, booked.Line))["received"]);

        service.Clock.Advance(TimeSpan.FromHours(12));
        await Booked.SubmitAsync(service, "bob", booked.Records(50));
        Assert.Equal([50, 60], await service.ReadAsync(db => db.RecordQuotas.Where(q => q.User == "bob").Select(q => q.Records).Order().ToListAsync(Cancel)));
    }

    [Fact]
    public async Task Many_at_once_of_one_account_take_no_more_than_one_after_the_other()
    {
        await using var service = await Booked.StartAsync(servers);
        var booked = await Booked.BookAsync(service);
        service.Clock.MoveTo(Noon(service));
        await booked.IssueAsync();
        var other = service.StartApi();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 32).Select(async i =>
        {
            using var http = service.Http("bob");
            if (i % 2 == 1) http.BaseAddress = other.Address;
            using var answer = await Booked.PostAsync(http, booked.Records(10));
            return answer.StatusCode;
        }));
        Assert.Equal(20, outcomes.Count(o => o == HttpStatusCode.Accepted));
        Assert.Equal(12, outcomes.Count(o => o == HttpStatusCode.TooManyRequests));
        await Booked.FoldAsync(service);
        Assert.Equal(200, (await Booked.CountsAsync(service, booked.Line))["valid"]);
    }

    [Fact]
    public async Task What_could_not_be_kept_is_given_back()
    {
        await using var service = await Booked.StartAsync(servers);
        var booked = await Booked.BookAsync(service);
        await Booked.SubmitAsync(service, "bob", booked.Record());
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table record_pools rename to elsewhere", Cancel));
        using var http = service.Http("bob");
        using (var answer = await Booked.PostAsync(http, booked.Records(50))) Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table elsewhere rename to record_pools", Cancel));
        Assert.Equal(1, await service.ReadAsync(db => db.RecordQuotas.Select(q => q.Records).SingleAsync(Cancel)));
        await Booked.SubmitAsync(service, "bob", booked.Record());
        await Booked.FoldAsync(service);
        Assert.Equal(2, (await Booked.CountsAsync(service, booked.Line))["valid"]);
    }

    [Fact]
    public async Task Who_is_being_erased_leaves_no_new_quota()
    {
        await using var service = await Booked.StartAsync(servers);
        var booked = await Booked.BookAsync(service);
        await service.ReadAsync(async db =>
        {
            db.Departures.Add(Core.Erasure.Departure.Ask(Service.ChatApp, "bob", service.Clock.GetUtcNow()));
            return await db.SaveChangesAsync(Cancel);
        });
        using var http = service.Http("bob");
        using (var answer = await Booked.PostAsync(http, booked.Records(1))) Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal((0, 0), (await service.ReadAsync(db => db.RecordQuotas.CountAsync(Cancel)), await service.ReadAsync(db => db.RecordPools.CountAsync(Cancel))));
    }

    /// <summary>So that no midnight comes in between.</summary>
    private static DateTimeOffset Noon(Service service) => new DateTimeOffset(service.Clock.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero).AddDays(1).AddHours(12.5);
}
