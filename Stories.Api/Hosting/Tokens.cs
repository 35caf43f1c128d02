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
    private readonly TokenMemory memory = new(apps);
    private readonly TokenValidationParameters parameters = ParametersOf(apps, clock);

    public void Configure(JwtBearerOptions options) => Configure(JwtBearerDefaults.AuthenticationScheme, options);

    public void Configure(string? name, JwtBearerOptions options)
    {
        options.MapInboundClaims = false;
        options.TimeProvider = clock;
        options.TokenValidationParameters = parameters;
        options.TokenHandlers.Clear();
        options.TokenHandlers.Add(memory);
        options.Events = new JwtBearerEvents
        {
            OnMessageReceived = context => apps.RefreshAsync(context.HttpContext.RequestAborted).AsTask(),
        };
    }

    /// <summary>For the sign-in page, where the token comes in a form instead of a header.</summary>
    public async Task<ClaimsPrincipal?> ValidateAsync(string token, CancellationToken cancellationToken)
    {
        await apps.RefreshAsync(cancellationToken);
        var result = await memory.ValidateTokenAsync(token, parameters);
        return result.IsValid ? new ClaimsPrincipal(result.ClaimsIdentity) : null;
    }

    /// <summary>Of a token in the header that was verified within the last seconds; null says nothing about it.</summary>
    public VerifiedToken? FindVerified(HttpRequest request)
    {
        const string bearer = "Bearer ";
        return request.Headers.Authorization is [{ } header] && header.StartsWith(bearer, StringComparison.Ordinal) && apps.IsFresh
            ? memory.Find(header.AsSpan(bearer.Length), parameters) : null;
    }

    private static TokenValidationParameters ParametersOf(AppRegistry apps, TimeProvider clock) => new()
    {
        ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSha256],
        ClockSkew = TimeSpan.FromSeconds(30),
        RequireExpirationTime = true,
        NameClaimType = JwtRegisteredClaimNames.Sub,
        LifetimeValidator = (notBefore, expires, _, parameters) =>
            expires is { } end && clock.GetUtcNow().UtcDateTime is var now &&
            now - parameters.ClockSkew < end && (notBefore is not { } start || now + parameters.ClockSkew >= start),
        IssuerSigningKeyResolver = (_, token, _, _) => apps.Keys(token.Issuer, ((JsonWebToken)token).Audiences),
        // Issuer and audience are one question: which app is it? Keys were found by both, so a token that got here has one.
        IssuerValidator = (issuer, token, _) => apps.Find(issuer, ((JsonWebToken)token).Audiences) is null ? throw new SecurityTokenInvalidIssuerException() : issuer,
        AudienceValidator = (audiences, token, _) => apps.Find(token.Issuer, audiences) is not null,
    };
}
