using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Sponsored;

public sealed class IdempotencyTests(LocalServers servers) : IAsyncLifetime
{
    private static readonly CampaignRequest Spring = new("Spring", CampaignObjective.Reach, null, NotPolitical: true);

    private BookingRig rig = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        rig = await BookingRig.StartAsync(servers);
        await rig.OpenAsync(funds: 0);
    }

    public ValueTask DisposeAsync() => rig.DisposeAsync();

    [Fact]
    public async Task A_repetition_gets_the_same_answer_and_does_nothing()
    {
        var http = rig.Http(key: "once");
        var first = await SendAsync(http, "campaigns", Spring);
        var again = await SendAsync(http, "campaigns", Spring);
        Assert.Equal(HttpStatusCode.Created, first.Status);
        Assert.Equal((first.Status, first.Body, first.Location, first.Type), (again.Status, again.Body, again.Location, again.Type));
        Assert.Equal((null, "true"), (first.Replayed, again.Replayed));
        Assert.NotNull(first.Location);
        Assert.Equal(1, await CampaignsAsync());
    }

    [Fact]
    public async Task Thirty_two_at_once_with_one_key_do_it_once()
    {
        var http = rig.Http(key: "race");
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => SendAsync(http, "campaigns", Spring)));
        Assert.Single(answers.Select(a => (a.Status, a.Body, a.Location)).Distinct());
        Assert.Equal(1, answers.Count(a => a.Replayed is null));
        Assert.Equal(1, await CampaignsAsync());
    }

    [Fact]
    public async Task A_second_one_waits_for_the_first()
    {
        var http = rig.Http(key: "slow");
        await using var db = Stories.Api.Operating.OperatorCommand.OpenDatabase(rig.Service.Database);
        await using var held = await db.Database.BeginTransactionAsync(Cancel);
        await db.Database.ExecuteSqlAsync($"select 1 from advertisers for update", Cancel);
        var first = SendAsync(http, "campaigns", Spring);
        await rig.Service.UntilWaitingAsync(1);
        var second = SendAsync(http, "campaigns", Spring);
        await rig.Service.UntilWaitingAsync(2);
        Assert.False(second.IsCompleted);
        await held.RollbackAsync(Cancel);
        Assert.Equal((await first).Body, (await second).Body);
        Assert.Equal(1, await CampaignsAsync());
    }

    [Fact]
    public async Task A_key_is_for_one_request()
    {
        var http = rig.Http(key: "mine");
        await SendAsync(http, "campaigns", Spring);
        var other = await SendAsync(http, "campaigns", Spring with { Name = "Summer" });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, other.Status);
        Assert.Contains("\"idempotency.keyReused\"", other.Body);
        // Another address is another request, whatever its body.
        Assert.Contains("\"idempotency.keyReused\"", (await SendAsync(http, "lines", Spring)).Body);
        // And another caller's key is another key.
        await rig.Ads("rival").RegisterAsync(BookingRig.Request("Rival"), cancellationToken: Cancel);
        Assert.Equal(HttpStatusCode.Created, (await SendAsync(rig.Http("rival", key: "mine"), "campaigns", Spring)).Status);
        Assert.Equal(2, await CampaignsAsync());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData(129)]
    public async Task What_makes_something_new_needs_a_key(object? key)
    {
        var http = rig.Http();
        if (key is not null) http.DefaultRequestHeaders.TryAddWithoutValidation("Idempotency-Key", key is int length ? new string('k', length) : (string)key);
        var answer = await SendAsync(http, "campaigns", Spring);
        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("\"idempotency.keyMissing\"", answer.Body);
        Assert.Equal(0, await CampaignsAsync());
    }

    [Fact]
    public async Task A_dry_run_needs_none_and_keeps_nothing()
    {
        var before = await KeptAsync();
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(rig.Http(key: "dry"), "lines:validate", new LineRequest(Guid.NewGuid(), "Rolls", rig.Terms()))).Status);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(rig.Http(), "lines:validate", new LineRequest(Guid.NewGuid(), "Rolls", rig.Terms()))).Status);
        Assert.Equal(before, await KeptAsync());
    }

    [Fact]
    public async Task A_refusal_is_an_answer_too()
    {
        var http = rig.Http(key: "refused");
        var first = await SendAsync(http, "campaigns", Spring with { NotPolitical = false });
        var again = await SendAsync(http, "campaigns", Spring with { NotPolitical = false });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, again.Status);
        Assert.Equal((first.Body, first.Type, "true"), (again.Body, again.Type, again.Replayed));
        Assert.Equal("application/problem+json", first.Type);
        // One that the framework gives before any handler runs as well.
        var (broken, repeated) = (await SendTextAsync(rig.Http(key: "broken"), "campaigns", "{"), await SendTextAsync(rig.Http(key: "broken"), "campaigns", "{"));
        Assert.Equal(HttpStatusCode.BadRequest, broken.Status);
        Assert.Contains("request.invalid", broken.Body);
        Assert.Equal((broken.Body, broken.Type, "true"), (repeated.Body, repeated.Type, repeated.Replayed));
    }

    [Fact]
    public async Task After_a_day_a_key_is_free_again()
    {
        var http = rig.Http(key: "daily");
        var first = await SendAsync(http, "campaigns", Spring);
        rig.Service.Clock.Advance(IdempotentWrites.KeptFor - TimeSpan.FromMinutes(1));
        Assert.Equal("true", (await SendAsync(http, "campaigns", Spring)).Replayed);
        rig.Service.Clock.Advance(TimeSpan.FromMinutes(2));
        var later = await SendAsync(http, "campaigns", Spring);
        Assert.Null(later.Replayed);
        Assert.NotEqual(first.Body, later.Body);
        Assert.Equal(2, await CampaignsAsync());
    }

    [Fact]
    public async Task What_fails_is_not_kept_and_leaves_nothing()
    {
        var http = rig.Http(key: "trouble");
        // The campaign is written, and then its answer cannot be.
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table answered add constraint broken check (status <> 201) not valid", Cancel));
        Assert.Equal(HttpStatusCode.InternalServerError, (await SendAsync(http, "campaigns", Spring)).Status);
        Assert.Equal(0, await CampaignsAsync());
        await rig.Service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("alter table answered drop constraint broken", Cancel));
        var answer = await SendAsync(http, "campaigns", Spring);
        Assert.Equal((HttpStatusCode.Created, null), (answer.Status, answer.Replayed));
        Assert.Equal(1, await CampaignsAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task While_a_slow_body_comes_in_no_transaction_is_open(bool withKey)
    {
        using var sender = new TcpClient();
        await sender.ConnectAsync(IPAddress.Loopback, rig.Service.Address.Port, Cancel);
        var body = StoriesJson.Write(BookingRig.Request("Slow"));
        await sender.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"PUT /v1/ads/advertiser HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {rig.Service.Token("slow", "ads.manage")}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n" +
            $"{(withKey ? "Idempotency-Key: slow\r\n" : "")}Expect: 100-continue\r\n\r\n"), Cancel);
        using var lines = new StreamReader(sender.GetStream(), leaveOpen: true);
        // Said when the body is asked for.
        Assert.Equal("HTTP/1.1 100 Continue", await lines.ReadLineAsync(Cancel));
        await lines.ReadLineAsync(Cancel);

        Assert.Equal(0, await rig.Service.ReadAsync(db => db.Database.SqlQuery<int>(
            $"select count(*)::int as \"Value\" from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'").SingleAsync(Cancel)));

        await sender.GetStream().WriteAsync(body, Cancel);
        Assert.Equal("HTTP/1.1 201 Created", await lines.ReadLineAsync(Cancel));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("large")]
    public async Task A_body_that_is_too_large_is_refused_as_everywhere(string? key)
    {
        using var content = new StringContent(new string(' ', 300_000), Encoding.UTF8, "application/json");
        using var answer = await rig.Http(key: key).PutAsync("v1/ads/advertiser", content, Cancel);
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, ProblemCodes.RequestTooLarge), (answer.StatusCode, await Tus.CodeAsync(answer)));
    }

    private Task<int> CampaignsAsync() => rig.Service.ReadAsync(db => db.Campaigns.CountAsync(Cancel));

    private Task<int> KeptAsync() => rig.Service.ReadAsync(db => db.Answered.CountAsync(Cancel));

    private static Task<Answer> SendAsync<T>(HttpClient http, string route, T body) => SendTextAsync(http, route, Encoding.UTF8.GetString(StoriesJson.Write(body)));

    private static async Task<Answer> SendTextAsync(HttpClient http, string route, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await http.PostAsync($"v1/ads/{route}", content, Cancel);
        return new Answer(response.StatusCode, await response.Content.ReadAsStringAsync(Cancel), response.Headers.Location?.ToString(), response.Content.Headers.ContentType?.MediaType,
            response.Headers.TryGetValues(IdempotentWrites.ReplayedHeader, out var replayed) ? replayed.Single() : null);
    }

    private sealed record Answer(HttpStatusCode Status, string Body, string? Location, string? Type, string? Replayed);
}
