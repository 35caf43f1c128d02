using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Stories.Protocol;

namespace Stories.Api.Hosting;

/// <summary>Accepts an app's tokens: known issuer and audience, pinned algorithms, the app's own keys, 30 s of skew.</summary>
internal sealed class Tokens(AppRegistry apps, TimeProvider clock) : IConfigureNamedOptions<JwtBearerOptions>
{
    public void Configure(JwtBearerOptions options) => Configure(JwtBearerDefaults.AuthenticationScheme, options);

    public void Configure(string? name, JwtBearerOptions options)
    {
        options.MapInboundClaims = false;
        options.TimeProvider = clock;
        options.TokenValidationParameters = Parameters();
        options.Events = new JwtBearerEvents
        {
            OnMessageReceived = context => apps.RefreshAsync(context.HttpContext.RequestAborted).AsTask(),
            OnTokenValidated = context =>
            {
                if (!TryName(context.Principal!)) context.Fail("subject");
                return Task.CompletedTask;
            },
        };
    }

    /// <summary>For the sign-in page, where the token comes in a form instead of a header.</summary>
    public async Task<ClaimsPrincipal?> ValidateAsync(string token, CancellationToken cancellationToken)
    {
        await apps.RefreshAsync(cancellationToken);
        var result = await new JsonWebTokenHandler { MapInboundClaims = false }.ValidateTokenAsync(token, Parameters());
        return result.IsValid && new ClaimsPrincipal(result.ClaimsIdentity) is var principal && TryName(principal) ? principal : null;
    }

    private TokenValidationParameters Parameters() => new()
    {
        ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSha256],
        ClockSkew = TimeSpan.FromSeconds(30),
        RequireExpirationTime = true,
        NameClaimType = JwtRegisteredClaimNames.Sub,
        LifetimeValidator = (notBefore, expires, _, parameters) =>
            expires is { } end && clock.GetUtcNow().UtcDateTime is var now &&
            now < end + parameters.ClockSkew && (notBefore is not { } start || now >= start - parameters.ClockSkew),
        IssuerSigningKeyResolver = (_, token, _, _) => apps.Keys(token.Issuer, ((JsonWebToken)token).Audiences),
        // Issuer and audience are one question: which app is it? Keys were found by both, so a token that got here has one.
        IssuerValidator = (issuer, token, _) => apps.Find(issuer, ((JsonWebToken)token).Audiences) is null ? throw new SecurityTokenInvalidIssuerException() : issuer,
        AudienceValidator = (audiences, token, _) => apps.Find(token.Issuer, audiences) is not null,
    };

    private bool TryName(ClaimsPrincipal principal)
    {
        var app = apps.Find(principal.FindFirstValue(JwtRegisteredClaimNames.Iss), principal.FindAll(JwtRegisteredClaimNames.Aud).Select(c => c.Value));
        if (app is null || !UserName.IsUser(principal.FindFirstValue(JwtRegisteredClaimNames.Sub))) return false;
        ((ClaimsIdentity)principal.Identity!).AddClaim(new Claim(Caller.AppClaim, app.Id));
        return true;
    }
}
