using Stories.Protocol;

namespace Stories.Core.Apps;

/// <summary>A tenant: whose tokens we accept, from which origins, and with whom it shares audiences.</summary>
public sealed class App
{
    private App() { }

    public string Id { get; private set; } = "";
    public string Issuer { get; private set; } = "";
    public string TokenAudience { get; private set; } = "";

    /// <summary>A JSON Web Key Set (RFC 7517) with the issuer's public keys.</summary>
    public string SigningKeys { get; private set; } = "";
    public string[] AllowedOrigins { get; private set; } = [];
    public string[] SharesWith { get; private set; } = [];

    /// <summary>
    /// Which scopes that reach beyond the app its issuer may give: it writes whatever it likes into its tokens, and those of another tenant
    /// must not make themselves operators or reviewers of all.
    /// </summary>
    public string[] Grants { get; private set; } = [];

    /// <summary>Its tokens are minted by <c>./stories token</c>: never in Production.</summary>
    public bool IsDevelopment { get; private set; }
    public DateTimeOffset CreatedAt { get; private set; }

    public static App Add(
        string id, string issuer, string tokenAudience, string signingKeys, IEnumerable<string> allowedOrigins,
        IEnumerable<string> sharesWith, IEnumerable<string> grants, bool isDevelopment, DateTimeOffset now)
    {
        if (!UserName.IsApp(id)) throw new ArgumentException("An app's name has 1 to 40 lower-case letters, digits or dashes.", nameof(id));
        return new App
        {
            Id = id,
            Issuer = issuer,
            TokenAudience = tokenAudience,
            SigningKeys = signingKeys,
            AllowedOrigins = [.. allowedOrigins],
            SharesWith = [.. sharesWith],
            Grants = [.. grants],
            IsDevelopment = isDevelopment,
            CreatedAt = now,
        };
    }

    /// <summary>What is null stays as it is; its users and their stories too.</summary>
    public void Change(string? issuer, string? tokenAudience, string? signingKeys, IEnumerable<string>? allowedOrigins, IEnumerable<string>? sharesWith, IEnumerable<string>? grants)
    {
        Issuer = issuer ?? Issuer;
        TokenAudience = tokenAudience ?? TokenAudience;
        SigningKeys = signingKeys ?? SigningKeys;
        AllowedOrigins = allowedOrigins is null ? AllowedOrigins : [.. allowedOrigins];
        SharesWith = sharesWith is null ? SharesWith : [.. sharesWith];
        Grants = grants is null ? Grants : [.. grants];
    }

    /// <summary>Sharing needs both: neither app can draw the other's users into its audiences alone.</summary>
    public bool SharesAudiencesWith(App other) =>
        Id == other.Id || (SharesWith.Contains(other.Id) && other.SharesWith.Contains(Id));
}
