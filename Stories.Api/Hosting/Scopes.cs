using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;

namespace Stories.Api.Hosting;

/// <summary>What a token may do: the space-separated <c>scope</c> claim of RFC 8693.</summary>
public static class Scopes
{
    private const string ClaimType = "scope";

    public const string Post = "stories.post";
    public const string View = "stories.view";

    /// <summary>May book sponsored statuses, for the caller's own advertiser, and read what became of them.</summary>
    public const string AdsManage = "ads.manage";

    /// <summary>May review creatives, of whatever advertiser.</summary>
    public const string AdsReview = "ads.review";

    /// <summary>May take stories down, and erase users of the moderator's own app.</summary>
    public const string Moderate = "moderate";
    public const string Ops = "ops";

    /// <summary>May also use the dashboard's buttons.</summary>
    public const string OpsAct = "ops-act";

    /// <summary>What reaches beyond the app whose issuer wrote it. It counts for the apps to which the operator gave it.</summary>
    public static readonly IReadOnlyList<string> BeyondTheApp = [AdsReview, Ops, OpsAct];

    /// <summary>Not a scope: what stories and creatives are made of.</summary>
    public const string Upload = "upload";

    /// <summary>Not a scope: what is needed to upload, or to verify what was signed.</summary>
    public const string Keys = "keys";

    public static void AddPolicies(AuthorizationOptions options)
    {
        foreach (var scope in (string[])[Post, View, AdsManage, AdsReview, Moderate, Ops])
            options.AddPolicy(scope, policy => policy.RequireAuthenticatedUser().RequireAssertion(context => Has(context.User, scope)));
        options.AddPolicy(Upload, policy => policy.RequireAuthenticatedUser().RequireAssertion(context => Has(context.User, Post) || Has(context.User, AdsManage)));
        options.AddPolicy(Keys, policy => policy.RequireAuthenticatedUser().RequireAssertion(context => Has(context.User, View) || Has(context.User, Post) || Has(context.User, AdsManage)));
    }

    /// <summary>Leaves in it what an issuer may give by itself, and what the operator granted its app.</summary>
    public static void Confine(ClaimsIdentity identity, IReadOnlyCollection<string> grants)
    {
        foreach (var claim in ClaimsOf(identity.Claims).ToList())
        {
            var scopes = claim.Value.Split(' ');
            if (!scopes.Any(IsTooMuch)) continue;
            identity.RemoveClaim(claim);
            identity.AddClaim(new Claim(ClaimType, string.Join(' ', scopes.Where(s => !IsTooMuch(s)))));
        }

        bool IsTooMuch(string scope) => BeyondTheApp.Contains(scope) && !grants.Contains(scope);
    }

    /// <summary>All that a token may do in one claim.</summary>
    public static Claim ClaimOf(ClaimsPrincipal user) => new(ClaimType, string.Join(' ', Of(user)));

    public static IEnumerable<string> Of(ClaimsPrincipal user) => ClaimsOf(user.Claims).SelectMany(claim => claim.Value.Split(' '));

    /// <summary>Some identities would find "Scope" too, which nobody confines.</summary>
    private static IEnumerable<Claim> ClaimsOf(IEnumerable<Claim> claims) => claims.Where(claim => claim.Type == ClaimType);

    public static bool Has(ClaimsPrincipal user, string scope) => Of(user).Contains(scope);
}
