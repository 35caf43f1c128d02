using System.Security.Claims;
using Stories.Protocol;

namespace Stories.Api.Hosting;

/// <summary>Who is calling: a user of an app, by a token that the app issued.</summary>
public sealed record Caller(UserName Name)
{
    /// <summary>The app's id, put into the principal once its token is verified.</summary>
    public const string AppClaim = "stories:app";

    /// <summary>Bound as a handler's parameter; every route but a few named ones requires an authenticated caller.</summary>
    public static ValueTask<Caller?> BindAsync(HttpContext context) => ValueTask.FromResult(Of(context.User));

    public static Caller? Of(ClaimsPrincipal user) =>
        user.FindFirstValue(AppClaim) is { } app && user.FindFirstValue("sub") is { } name ? new Caller(new UserName(app, name)) : null;
}
