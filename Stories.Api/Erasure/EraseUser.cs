using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Erasure;

/// <summary>
/// <c>POST /v1/users/erase</c>: everything of a user goes, and is gone when this answers. Repeating it is harmless; if it is cut off
/// the sweep finishes it.
/// </summary>
internal static class EraseUser
{
    public static async Task<Results<NoContent, ProblemHttpResult>> Handle(
        UserErasure request, Caller caller, ClaimsPrincipal principal, EraseDeparted erase, CancellationToken cancellationToken)
    {
        if (!UserName.TryParse(request.User, out var user)) return Problems.Of(ProblemCodes.RequestInvalid);
        if (!MayErase(caller.Name, principal, user)) return Problems.Of(ProblemCodes.NotFound);
        await erase.RunAsync(user.App, user.User, cancellationToken);
        return TypedResults.NoContent();
    }

    /// <summary>No scope reaches another app's users: every app's issuer can write any scope into its tokens.</summary>
    private static bool MayErase(UserName caller, ClaimsPrincipal principal, UserName user) =>
        (caller.App == user.App && Scopes.Has(principal, Scopes.Moderate))
        || (caller == user && (Scopes.Has(principal, Scopes.Post) || Scopes.Has(principal, Scopes.View)));
}
