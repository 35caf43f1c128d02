using System.Net;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;
using Stories.Api.Hosting;
using Stories.Api.Operating;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

/// <summary>An app as its operator changes it, and what its issuer may give: the operator's command as a process of its own.</summary>
public sealed class AppCommandTests(LocalServers servers) : IAsyncLifetime
{
    private const string All = "stories.view ads.review ops ops-act";

    private Service service = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => service = await Service.StartAsync(servers);

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task An_issuer_gives_what_reaches_beyond_its_app_only_as_far_as_the_operator_granted_it()
    {
        var token = service.Token("op", All, Service.LonelyApp);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), await MayAsync(token));
        using var browser = await Dashboard.VisitAsync(service, Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.SignInAsync(token, Cancel)).StatusCode);

        await ChangeAsync("--grants", "ads.review");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Forbidden), await MayAsync(token));
        await ChangeAsync("--grants", "ads.review,ops");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK), await MayAsync(token));
        await ChangeAsync("--grants", "");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), await MayAsync(token));
    }

    [Fact]
    public async Task A_token_is_of_the_app_whose_key_signed_it_whatever_it_says_itself()
    {
        var tokens = service.Api.GetRequiredService<Tokens>();
        var principal = await tokens.ValidateAsync(service.Token("alice", app: Service.LonelyApp, more: (Caller.AppClaim, Service.ChatApp)), Cancel);
        Assert.Equal(new UserName(Service.LonelyApp, "alice"), Caller.Of(principal!)!.Name);
    }

    [Fact]
    public async Task A_scope_in_other_letters_is_none()
    {
        using var browser = await Dashboard.VisitAsync(service, Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, (await browser.SignInAsync(service.Token("op", "stories.view", more: ("Scope", "ops")), Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.Redirect, (await browser.SignInAsync(service.Token("op", "ops", more: ("Scope", "ops-act")), Cancel)).StatusCode);
        Assert.DoesNotContain("js-jobs-list-command", await browser.Http.GetStringAsync("ops/hangfire/recurring", Cancel), StringComparison.Ordinal);
        // With the scope as it is written the buttons are there.
        Assert.Equal(HttpStatusCode.Redirect, (await browser.SignInAsync(service.Token("op", "ops ops-act"), Cancel)).StatusCode);
        Assert.Contains("js-jobs-list-command", await browser.Http.GetStringAsync("ops/hangfire/recurring", Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_app_keeps_its_users_and_takes_tokens_by_its_new_key_alone()
    {
        var alice = service.User("alice", Service.LonelyApp);
        await alice.Audiences.RegisterAsync(Cancel);
        var fresh = new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "fresh" };
        var (before, after) = (service.Token("alice", app: Service.LonelyApp), service.Token("alice", app: Service.LonelyApp, key: fresh));

        await ChangeAsync("--keys", await KeyFileAsync(fresh), "--origins", "https://new.test");

        Assert.Equal(HttpStatusCode.Unauthorized, (await MayAsync(before)).View);
        Assert.Equal(HttpStatusCode.OK, (await MayAsync(after)).View);
        Assert.Equal(1, await service.ReadAsync(db => db.Devices.CountAsync(d => d.App == Service.LonelyApp, Cancel)));
        var app = await service.ReadAsync(db => db.Apps.SingleAsync(a => a.Id == Service.LonelyApp, Cancel));
        Assert.Equal(("https://issuer.test", Service.LonelyApp), (app.Issuer, app.TokenAudience));
        Assert.Equal(["https://new.test"], app.AllowedOrigins);
    }

    [Fact]
    public async Task An_operators_session_ends_with_the_token_it_was_begun_with()
    {
        using var browser = await Dashboard.VisitAsync(service, Cancel);
        Assert.Equal(HttpStatusCode.Redirect, (await browser.SignInAsync(service.Token("op", "ops", life: TimeSpan.FromMinutes(1)), Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, await DashboardAsync(browser));
        service.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(HttpStatusCode.Redirect, await DashboardAsync(browser));
    }

    [Theory]
    [InlineData("--grants")]
    [InlineData("--keys")]
    public async Task An_operators_session_ends_when_its_app_may_no_longer_begin_one(string changed)
    {
        await ChangeAsync("--grants", "ops");
        using var browser = await Dashboard.VisitAsync(service, Cancel);
        Assert.Equal(HttpStatusCode.Redirect, (await browser.SignInAsync(service.Token("op", "ops", Service.LonelyApp), Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, await DashboardAsync(browser));

        await ChangeAsync(changed, changed == "--keys" ? await KeyFileAsync(new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256))) : "");

        using var ended = await browser.Http.GetAsync("ops/hangfire", Cancel);
        Assert.Equal((HttpStatusCode.Redirect, "/ops"), (ended.StatusCode, ended.Headers.Location!.AbsolutePath));
    }

    [Theory]
    [InlineData("--usr is not understood: there are --app, --user, --scope.", "--usr", "bob")]
    [InlineData("bob is not understood", "bob")]
    [InlineData("--scope needs a value.", "--user", "bob", "--scope")]
    public async Task No_token_is_minted_for_somebody_who_was_not_named(string why, params string[] options)
    {
        var (code, output) = await service.RunAsync("Api", ["token", .. options], Cancel, ("Development__IssuerKeyFile", Path.Combine(service.KeyFolder, "issuer.pem")));
        Assert.Equal(2, code);
        Assert.StartsWith(why, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("There is no app nobody.", "change", "nobody", "--grants", "ops")]
    [InlineData("moderate is not granted", "change", "lonely", "--grants", "ops,moderate")]
    [InlineData("--key is not understood", "change", "lonely", "--key", "new.json")]
    [InlineData("--origins needs a value.", "change", "lonely", "--origins", "--grants", "ops")]
    [InlineData("Say what is to change", "change", "lonely")]
    [InlineData("There is no file", "change", "lonely", "--keys", "/nowhere/keys.json")]
    [InlineData("The app chat has this issuer and audience already.", "change", "lonely", "--audience", "chat")]
    [InlineData("There is an app lonely already", "add", "lonely", "--development")]
    public async Task A_change_that_cannot_be_says_why_and_changes_nothing(string why, params string[] arguments)
    {
        var before = await service.ReadAsync(db => db.Apps.OrderBy(a => a.Id).Select(a => new { a.Id, a.TokenAudience, a.Grants, a.SigningKeys }).ToListAsync(Cancel));
        var (code, output) = await RunAsync(arguments);
        Assert.Equal(2, code);
        Assert.Contains(why, output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.Equivalent(before, await service.ReadAsync(db => db.Apps.OrderBy(a => a.Id).Select(a => new { a.Id, a.TokenAudience, a.Grants, a.SigningKeys }).ToListAsync(Cancel)), strict: true);
    }

    private async Task ChangeAsync(params string[] options)
    {
        var (code, output) = await RunAsync(["change", Service.LonelyApp, .. options]);
        Assert.True(code == 0, output);
        // When every Api has looked again.
        service.Clock.Advance(TimeSpan.FromSeconds(5));
    }

    private Task<(int ExitCode, string Output)> RunAsync(string[] arguments) =>
        service.RunAsync("Api", ["app", .. arguments], Cancel, ("Development__IssuerKeyFile", Path.Combine(service.KeyFolder, "issuer.pem")));

    private async Task<string> KeyFileAsync(ECDsaSecurityKey key)
    {
        var file = Path.Combine(service.KeyFolder, "keys.json");
        await File.WriteAllTextAsync(file, DevelopmentIssuer.PublicKeys(key, key.KeyId ?? "other"), Cancel);
        return file;
    }

    private async Task<(HttpStatusCode View, HttpStatusCode Review, HttpStatusCode Operate)> MayAsync(string token)
    {
        using var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer " + token);
        return (await StatusAsync(http, "v1/tray"), await StatusAsync(http, "v1/ads/reviews"), await StatusAsync(http, "v1/buckets"));
    }

    private static Task<HttpStatusCode> DashboardAsync(Dashboard browser) => StatusAsync(browser.Http, "ops/hangfire");

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(path, Cancel);
        return answer.StatusCode;
    }
}
