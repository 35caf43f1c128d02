using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Stories.Protocol;

namespace Stories.Api.Hosting;

/// <summary>
/// Verifies a token once and names its caller: an app sends the same one with each of its requests, for minutes. Only its time is looked at
/// again. All is forgotten when an app was changed, so that a key or an app that is withdrawn stops as soon as it would without.
/// </summary>
/// <param name="apps">By whose keys.</param>
/// <param name="most">Of a generation: some 30 MB. There are two, so that who is not heard of again is forgotten, and nobody else.</param>
internal sealed class TokenMemory(AppRegistry apps, int most = 20_000) : TokenHandler
{
    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };
    private Generations generations = new(null, NewGeneration(), NewGeneration());

    public override async Task<TokenValidationResult> ValidateTokenAsync(string token, TokenValidationParameters validationParameters)
    {
        var version = apps.Version;
        if (Find(token, validationParameters) is { } found) return found.Result;
        var result = await handler.ValidateTokenAsync(token, validationParameters);
        if (!result.IsValid) return result;
        if (!TryName(result.ClaimsIdentity)) return new TokenValidationResult { IsValid = false, Exception = new SecurityTokenValidationException("subject") };
        // By the apps as they are now, or not at all.
        if (apps.Version == version) Keep(version, token, new VerifiedToken(result));
        return result;
    }

    /// <summary>What a token says, if it was verified by the apps as they are now.</summary>
    public VerifiedToken? Find(ReadOnlySpan<char> token, TokenValidationParameters parameters)
    {
        var (version, young, old) = generations;
        if (version is null || version != apps.Version) return null;
        var isYoung = young.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out var found);
        if (!isYoung && !old.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out found)) return null;
        if (!parameters.LifetimeValidator(found!.Result.SecurityToken.ValidFrom, found.Result.SecurityToken.ValidTo, found.Result.SecurityToken, parameters)) return null;
        if (!isYoung) Keep(version, token.ToString(), found);
        return found;
    }

    /// <summary>Whoever is overtaken by another here will be verified once more.</summary>
    private void Keep(object version, string token, VerifiedToken verified)
    {
        var now = generations;
        if (now.Version != version) generations = now = new Generations(version, NewGeneration(), NewGeneration());
        else if (now.Young.Count >= most) generations = now = new Generations(version, NewGeneration(), now.Young);
        now.Young.TryAdd(token, verified);
    }

    private static ConcurrentDictionary<string, VerifiedToken> NewGeneration() => new(StringComparer.Ordinal);

    private bool TryName(ClaimsIdentity identity)
    {
        var app = apps.Find(identity.FindFirst(JwtRegisteredClaimNames.Iss)?.Value, identity.FindAll(JwtRegisteredClaimNames.Aud).Select(c => c.Value));
        if (app is null || !UserName.IsUser(identity.FindFirst(JwtRegisteredClaimNames.Sub)?.Value)) return false;
        // Whose it is is said by the key that signed it, whatever else stands in it.
        foreach (var own in identity.FindAll(Caller.AppClaim).ToList()) identity.RemoveClaim(own);
        identity.AddClaim(new Claim(Caller.AppClaim, app.Id));
        Scopes.Confine(identity, app.Grants);
        return true;
    }

    /// <param name="Version">Of the apps by which they were verified.</param>
    /// <param name="Young">Heard of since it was begun.</param>
    /// <param name="Old">Heard of before.</param>
    private sealed record Generations(object? Version, ConcurrentDictionary<string, VerifiedToken> Young, ConcurrentDictionary<string, VerifiedToken> Old);
}

/// <summary>What a token says, read once.</summary>
internal sealed class VerifiedToken
{
    private readonly string[] scopes;

    public VerifiedToken(TokenValidationResult result)
    {
        Result = result;
        User = new ClaimsPrincipal(result.ClaimsIdentity);
        Caller = Caller.Of(User)!;
        scopes = [.. Scopes.Of(User)];
    }

    public TokenValidationResult Result { get; }

    public ClaimsPrincipal User { get; }

    public Caller Caller { get; }

    public bool Has(string scope) => scopes.Contains(scope);
}
