using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;
using Stories.Api.Operating;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

public sealed class AccessTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => service = await Service.StartAsync(servers);

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task Without_a_token_every_route_but_a_few_named_ones_answers_401()
    {
        using var http = new HttpClient { BaseAddress = service.Address };
        var seen = 0;
        foreach (var endpoint in service.Api.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            var route = endpoint.RoutePattern.RawText!;
            if (!route.StartsWith("/v1", StringComparison.Ordinal)) continue;
            // What was shown as advertising is for everybody to look up.
            if (route == "/v1/ads/repository") continue;
            foreach (var method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods)
            {
                if (method == "OPTIONS") continue;
                seen++;
                var path = Regex.Replace(route, @"\{\w+:guid\}", Guid.NewGuid().ToString()).Replace("{number:int}", "1", StringComparison.Ordinal);
                using var answer = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), Cancel);
                Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized, $"{method} {route}: {answer.StatusCode}");
            }
        }
        Assert.InRange(seen, 20, 100);
    }

    [Fact]
    public async Task A_token_that_breaks_a_rule_is_refused()
    {
        var strange = new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "test" };
        var shared = new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(64)) { KeyId = "test" };
        var good = service.Token("alice");
        string[] bad =
        [
            "", "x.y.z", good[..^5] + "AAAAA",
            service.Token("alice", key: strange),
            service.Token("alice", key: shared, algorithm: SecurityAlgorithms.HmacSha256),
            service.Token("alice", issuer: "https://evil.test"),
            service.Token("alice", audience: "unknown"),
            service.Token("alice", life: TimeSpan.FromSeconds(-31)),
            service.Token("no/slash"),
            Tus.B64("{\"alg\":\"none\"}").TrimEnd('=') + "." + good.Split('.')[1] + ".",
        ];
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(good));
        foreach (var token in bad) Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(token));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(good));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(service.Token("alice", life: TimeSpan.FromSeconds(-20))));
    }

    [Fact]
    public async Task A_token_that_was_good_is_refused_when_its_time_is_over_or_its_key_is_withdrawn()
    {
        var (brief, lasting) = (service.Token("alice", life: TimeSpan.FromMinutes(10)), service.Token("alice"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(brief));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(lasting));

        service.Clock.Advance(TimeSpan.FromMinutes(10) + TimeSpan.FromSeconds(31));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(brief));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(lasting));

        var other = new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "test" };
        var keys = DevelopmentIssuer.PublicKeys(other, other.KeyId);
        await service.ReadAsync(db => db.Apps.Where(a => a.Id == Service.ChatApp).ExecuteUpdateAsync(set => set.SetProperty(a => a.SigningKeys, keys), Cancel));
        await service.UntilAsync(async _ => await StatusAsync(lasting) == HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(service.Token("alice", key: other)));
    }

    [Fact]
    public async Task A_scope_that_is_missing_is_forbidden_by_its_code()
    {
        using var viewer = service.Http("alice", scope: "stories.view");
        using var answer = await viewer.GetAsync("v1/buckets", Cancel);
        Assert.Equal((HttpStatusCode.Forbidden, ProblemCodes.Forbidden), (answer.StatusCode, await Tus.CodeAsync(answer)));
        using var upload = await viewer.SendAsync(Tus.Request(HttpMethod.Post, "v1/uploads"), Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, upload.StatusCode);
    }

    [Fact]
    public async Task Malformed_and_oversized_requests_are_refused_by_their_codes()
    {
        using var http = service.Http("alice");
        using var malformed = await http.PutAsync($"v1/stories/{Guid.NewGuid()}", new StringContent("{\"manifest\":", new MediaTypeHeaderValue("application/json")), Cancel);
        Assert.Equal(ProblemCodes.RequestInvalid, await Tus.CodeAsync(malformed));
        using var twice = await http.PostAsync("v1/stories/open", new StringContent("{\"stories\":[],\"stories\":[]}", new MediaTypeHeaderValue("application/json")), Cancel);
        Assert.Equal(ProblemCodes.RequestInvalid, await Tus.CodeAsync(twice));
        using var deep = await http.PostAsync("v1/stories/open", new StringContent(new string('[', 40) + new string(']', 40), new MediaTypeHeaderValue("application/json")), Cancel);
        Assert.Equal(ProblemCodes.RequestInvalid, await Tus.CodeAsync(deep));
        using var large = await http.PostAsync("v1/stories/open", new StringContent(new string(' ', 300_000), new MediaTypeHeaderValue("application/json")), Cancel);
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, ProblemCodes.RequestTooLarge), (large.StatusCode, await Tus.CodeAsync(large)));
        using var nothing = await http.GetAsync("v1/nothing", Cancel);
        Assert.Equal(ProblemCodes.NotFound, await Tus.CodeAsync(nothing));
    }

    [Fact]
    public async Task Too_many_requests_are_told_when_to_come_back_and_others_are_not_held_up()
    {
        await using var strict = await Service.StartAsync(servers, new() { ["RateLimits:PerSecond"] = "5", ["RateLimits:Burst"] = "10" });
        using var http = strict.Http("greedy");
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => http.GetAsync("v1/tray", Cancel)));
        var refused = answers.First(a => a.StatusCode == HttpStatusCode.TooManyRequests);
        Assert.Equal(ProblemCodes.RateLimited, await Tus.CodeAsync(refused));
        Assert.True(refused.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        using var other = strict.Http("modest");
        Assert.Equal(HttpStatusCode.OK, (await other.GetAsync("v1/tray", Cancel)).StatusCode);
    }

    [Fact]
    public async Task Whoever_has_a_network_of_IPv6_has_the_requests_of_one_address()
    {
        await using var strict = await Service.StartAsync(servers, new() { ["RateLimits:PerSecond"] = "5", ["RateLimits:Burst"] = "10", ["FORWARDEDHEADERS_ENABLED"] = "true" }, withWorker: false);
        using var http = new HttpClient { BaseAddress = strict.Address };
        Assert.Contains(HttpStatusCode.TooManyRequests, await ComeAsync(i => $"2001:db8:0:1:{i:x}::{i:x}"));
        Assert.Equal([HttpStatusCode.Unauthorized], (await ComeAsync(i => $"2001:db8:0:{i + 2:x}::1")).Distinct());
        // Addresses of IPv4, however they are written, are not one network.
        Assert.Equal([HttpStatusCode.Unauthorized], (await ComeAsync(i => $"::ffff:203.0.113.{i}")).Distinct());

        async Task<HttpStatusCode[]> ComeAsync(Func<int, string> address) => await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "v1/tray");
            request.Headers.Add("X-Forwarded-For", address(i));
            using var answer = await http.SendAsync(request, Cancel);
            return answer.StatusCode;
        }));
    }

    [Fact]
    public async Task A_bad_token_leaves_no_line_in_the_log()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(service.Token("alice", issuer: "https://evil.test")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync("x.y.z"));
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains("   at ", StringComparison.Ordinal) || line.Contains("Bearer", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ETag")]
    [InlineData("Idempotency-Replayed")]
    [InlineData("Tus-Checksum-Algorithm")]
    [InlineData("Upload-Offset")]
    public async Task A_registered_page_may_read_what_answers_say_in_headers(string header)
    {
        using var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Add("Origin", "https://page.test");
        using var answer = await http.GetAsync("v1/tray", Cancel);
        Assert.Contains(header, answer.Headers.GetValues("Access-Control-Expose-Headers").SelectMany(names => names.Split(',')));
    }

    [Fact]
    public async Task A_registered_page_may_call_and_another_may_not()
    {
        using var http = new HttpClient { BaseAddress = service.Address };
        foreach (var (origin, allowed) in new[] { ("https://page.test", true), ("https://evil.test", false) })
        {
            using var preflight = new HttpRequestMessage(HttpMethod.Options, "v1/uploads");
            preflight.Headers.Add("Origin", origin);
            preflight.Headers.Add("Access-Control-Request-Method", "POST");
            using var answer = await http.SendAsync(preflight, Cancel);
            Assert.Equal(allowed, answer.Headers.Contains("Access-Control-Allow-Origin"));
        }
    }

    [Fact]
    public async Task The_dashboard_opens_only_with_an_ops_token_posted_once_and_takes_no_cross_site_post()
    {
        using var browser = await Dashboard.VisitAsync(service, Cancel);
        using var closed = await browser.Http.GetAsync("ops/hangfire", Cancel);
        Assert.Equal(HttpStatusCode.Redirect, closed.StatusCode);

        Assert.Equal(HttpStatusCode.BadRequest, (await browser.SignInAsync(service.Token("op", "ops"), Cancel, fromForm: false)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.SignInAsync("nonsense", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.SignInAsync(service.Token("op", "stories.view"), Cancel)).StatusCode);
        using var signedIn = await browser.SignInAsync(service.Token("op", "ops"), Cancel);
        Assert.Equal(HttpStatusCode.Redirect, signedIn.StatusCode);
        Assert.Contains(signedIn.Headers.GetValues("Set-Cookie"), c => c.Contains("httponly", StringComparison.OrdinalIgnoreCase) && c.Contains("samesite=strict", StringComparison.OrdinalIgnoreCase));
        var dashboard = await browser.Http.GetStringAsync("ops/hangfire", Cancel);
        Assert.Contains("Stories: jobs", dashboard);
        Assert.DoesNotContain("127.0.0.1", dashboard.Replace(service.Address.Authority, "", StringComparison.Ordinal));
        using var act = await browser.Http.PostAsync("ops/hangfire/recurring/trigger", new FormUrlEncodedContent([new("jobs[]", "sweep")]), Cancel);
        Assert.NotEqual(HttpStatusCode.NoContent, act.StatusCode);
    }

    [Fact]
    public async Task The_service_says_whether_it_is_ready_and_the_page_shows_its_contract_without_outside_requests()
    {
        using var http = new HttpClient { BaseAddress = service.Address };
        Assert.Contains("\"healthy\"", await http.GetStringAsync("health/ready", Cancel));
        Assert.Contains("\"healthy\"", await http.GetStringAsync("health/live", Cancel));
        var page = await http.GetStringAsync("docs", Cancel);
        Assert.DoesNotContain("https://", page.Replace("https://page.test", "", StringComparison.Ordinal));
    }

    private async Task<HttpStatusCode> StatusAsync(string token)
    {
        using var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer " + token);
        using var answer = await http.GetAsync("v1/tray", Cancel);
        return answer.StatusCode;
    }
}
