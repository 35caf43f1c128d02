using System.Net;
using Stories.Protocol;

namespace Stories.Client;

/// <summary>Which failures are worth another try, and after how long: a cut connection, a service that restarts or asks to wait.</summary>
internal static class PassingTrouble
{
    public static bool Is(Exception e) => e switch
    {
        HttpRequestException => true,
        IOException => true,
        StoriesProblemException { Code: ProblemCodes.RateLimited or ProblemCodes.Unavailable or ProblemCodes.Failed } => true,
        // A proxy in front of a service that restarts.
        StoriesProblemException { Status: HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout } => true,
        StoriesProblemException { Status: HttpStatusCode.ServiceUnavailable } problem => problem.Code.StartsWith("http.", StringComparison.Ordinal),
        _ => false,
    };

    /// <param name="round">Tries so far without success, from 1: the wait doubles from 0.2 s up to 12.8 s, which is 25 s in 7 rounds.</param>
    /// <param name="e">Says itself how long when it is a problem with Retry-After.</param>
    public static TimeSpan Wait(Exception e, int round) =>
        (e as StoriesProblemException)?.RetryAfter ?? TimeSpan.FromMilliseconds(100 << Math.Min(round, 7));
}
