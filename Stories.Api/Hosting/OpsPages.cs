using System.Security.Claims;
using Hangfire;
using Hangfire.Dashboard;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;

namespace Stories.Api.Hosting;

/// <summary>
/// The Hangfire dashboard for people with an <c>ops</c> token. A browser cannot send a bearer token by itself, so the token
/// is posted once and exchanged for a short cookie that no script can read and no other site can use. The token lies in it, encrypted,
/// and is verified with each request: the cookie opens nothing that the token would not.
/// </summary>
internal static class OpsPages
{
    public const string Policy = "ops-cookie";
    public const string Dashboard = "/ops/hangfire";
    private const string SignInPath = "/ops";
    private const string TokenName = "access_token";
    private static readonly TimeSpan SignedInFor = TimeSpan.FromHours(8);

    public static void AddCookie(AuthenticationBuilder authentication) =>
        authentication.AddCookie(CookieAuthenticationDefaults.AuthenticationScheme, options =>
        {
            options.Cookie.Name = "stories-ops";
            options.Cookie.HttpOnly = true;
            options.Cookie.SameSite = SameSiteMode.Strict;
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.ExpireTimeSpan = SignedInFor;
            options.SlidingExpiration = false;
            options.LoginPath = SignInPath;
            // Whose app may no longer give the scope has a session, and needs another token.
            options.AccessDeniedPath = SignInPath;
            options.Events.OnValidatePrincipal = VerifyTokenAsync;
        });

    public static void AddPolicy(AuthorizationOptions options) =>
        options.AddPolicy(Policy, policy => policy
            .AddAuthenticationSchemes(CookieAuthenticationDefaults.AuthenticationScheme)
            .RequireAuthenticatedUser()
            .RequireAssertion(context => Scopes.Has(context.User, Scopes.Ops)));

    public static void Map(WebApplication app)
    {
        app.MapGet(SignInPath, SignInPage).ExcludeFromDescription();
        app.MapPost(SignInPath, SignIn).ExcludeFromDescription();
        app.MapHangfireDashboardWithAuthorizationPolicy(Policy, Dashboard, new DashboardOptions
        {
            DashboardTitle = "Stories: jobs",
            DisplayStorageConnectionString = false,
            IsReadOnlyFunc = context => !Scopes.Has(context.GetHttpContext().User, Scopes.OpsAct),
            AppPath = null,
        });
    }

    private static IResult SignInPage(HttpContext context, IAntiforgery antiforgery)
    {
        var form = antiforgery.GetAndStoreTokens(context);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'";
        return Results.Content($$"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Stories: operators</title>
            <style>body{font:16px/1.5 system-ui;margin:15vh auto;max-width:34rem;padding:0 1rem;color:#222}
            textarea{width:100%;height:7rem;box-sizing:border-box;font:13px ui-monospace,monospace}button{font:inherit;padding:.4rem 1.2rem}</style></head>
            <body><h1>Operators</h1>
            <p>Paste a token with the scope <code>ops</code>. In development: <code>./stories token --scope ops</code></p>
            <form method="post" action="/ops" autocomplete="off">
            <input type="hidden" name="{{form.FormFieldName}}" value="{{form.RequestToken}}">
            <label>Token<br><textarea name="token" required></textarea></label>
            <p><button>Sign in</button></p></form></body></html>
            """, "text/html; charset=utf-8");
    }

    private static async Task<IResult> SignIn(HttpContext context, IAntiforgery antiforgery, Tokens tokens, CancellationToken cancellationToken)
    {
        if (!await antiforgery.IsRequestValidAsync(context)) return Problems.Of(Protocol.ProblemCodes.RequestInvalid);
        var form = await context.Request.ReadFormAsync(cancellationToken);
        var token = form["token"].ToString().Trim();
        if (await tokens.ValidateAsync(token, cancellationToken) is not { } principal) return Problems.Of(Protocol.ProblemCodes.Unauthenticated);
        if (!Scopes.Has(principal, Scopes.Ops)) return Problems.Of(Protocol.ProblemCodes.Forbidden);
        var properties = new AuthenticationProperties();
        properties.StoreTokens([new AuthenticationToken { Name = TokenName, Value = token }]);
        await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, Operator(principal), properties);
        return Results.Redirect(Dashboard);
    }

    private static async Task VerifyTokenAsync(CookieValidatePrincipalContext context)
    {
        var tokens = context.HttpContext.RequestServices.GetRequiredService<Tokens>();
        if (await tokens.ValidateAsync(context.Properties.GetTokenValue(TokenName) ?? "", context.HttpContext.RequestAborted) is { } principal) context.ReplacePrincipal(Operator(principal));
        else context.RejectPrincipal();
    }

    private static ClaimsPrincipal Operator(ClaimsPrincipal token) => new(new ClaimsIdentity([Scopes.ClaimOf(token)], CookieAuthenticationDefaults.AuthenticationScheme));
}
