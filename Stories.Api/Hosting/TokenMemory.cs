using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Stories.Protocol;

namespace Stories.Api.Hosting;

/// <summary>
/// Verifies a token once and names its caller: an app sends the same one with each of its requests, for minutes. Only its time is looked at
/// again. All is forgotten when the apps are read again, so that a key or an app that is withdrawn stops as soon as it would without.
/// </summary>
internal sealed class TokenMemory(AppRegistry apps) : TokenHandler
{
    /// <summary>Some 30 MB.</summary>
    private const int Most = 20_000;

    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };
    private Verified verified = new(null);

    public override async Task<TokenValidationResult> ValidateTokenAsync(string token, TokenValidationParameters validationParameters)
    {
        var version = apps.Version;
        var known = verified;
        if (known.Version != version) verified = known = new Verified(version);
        if (Find(known, token, validationParameters) is { } found) return found.Result;

        var result = await handler.ValidateTokenAsync(token, validationParameters);
        if (!result.IsValid) return result;
        if (!TryName(result.ClaimsIdentity)) return new TokenValidationResult { IsValid = false, Exception = new SecurityTokenValidationException("subject") };
        // Verified by the apps as they are now; and who has no app's key cannot fill the memory.
        if (apps.Version == version && known.Tokens.Count < Most) known.Tokens.TryAdd(token, new Known(result, new ClaimsPrincipal(result.ClaimsIdentity)));
        return result;
    }

    /// <summary>Whose token it is, if it was verified by the apps as they are now.</summary>
    public ClaimsPrincipal? Find(ReadOnlySpan<char> token, TokenValidationParameters parameters) =>
        verified is var known && known.Version == apps.Version ? Find(known, token, parameters)?.Principal : null;

    private static Known? Find(Verified known, ReadOnlySpan<char> token, TokenValidationParameters parameters) =>
        known.BySpan.TryGetValue(token, out var found) && parameters.LifetimeValidator(found.Result.SecurityToken.ValidFrom, found.Result.SecurityToken.ValidTo, found.Result.SecurityToken, parameters) ? found : null;

    private bool TryName(ClaimsIdentity identity)
    {
        var app = apps.Find(identity.FindFirst(JwtRegisteredClaimNames.Iss)?.Value, identity.FindAll(JwtRegisteredClaimNames.Aud).Select(c => c.Value));
        if (app is null || !UserName.IsUser(identity.FindFirst(JwtRegisteredClaimNames.Sub)?.Value)) return false;
        identity.AddClaim(new Claim(Caller.AppClaim, app.Id));
        return true;
    }

    /// <param name="version">Of the apps by which they were verified.</param>
    private sealed class Verified(object? version)
    {
        public object? Version => version;
        public ConcurrentDictionary<string, Known> Tokens { get; } = new(StringComparer.Ordinal);
        public ConcurrentDictionary<string, Known>.AlternateLookup<ReadOnlySpan<char>> BySpan => Tokens.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    private sealed record Known(TokenValidationResult Result, ClaimsPrincipal Principal);
}
