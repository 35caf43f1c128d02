using System.Net;
using Stories.Protocol;

namespace Stories.Client;

/// <summary>Which failures are worth another try, and after how long: a cut connection, a service that restarts or asks to wait.</summary>
internal static class PassingTrouble
{
    public const int MostTries = 8;

    /// <summary>
    /// A service may ask for hours, in which nobody looks at a progress bar. Shorter than a manifest is good, so that what was signed
    /// before a wait can still be published after it.
    /// </summary>
    private static readonly TimeSpan MostWait = TimeSpan.FromSeconds(30);

    public static bool Is(Exception e) => e switch
    {
        HttpRequestException => true,
        StoriesProblemException { Code: ProblemCodes.RateLimited or ProblemCodes.Unavailable or ProblemCodes.Failed } => true,
        // A proxy in front of a service that restarts.
        StoriesProblemException { Status: HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout } => true,
        StoriesProblemException { Status: HttpStatusCode.ServiceUnavailable } problem => problem.Code.StartsWith("http.", StringComparison.Ordinal),
        _ => false,
    };

    /// <param name="round">Tries so far without success, from 1: the wait doubles from 0.2 s up to 12.8 s, which is 25 s in 7 rounds.</param>
    /// <param name="e">Says itself how long when it is a problem with Retry-After.</param>
    public static TimeSpan Wait(Exception e, int round)
    {
        var wait = (e as StoriesProblemException)?.RetryAfter ?? TimeSpan.FromMilliseconds(100 << Math.Min(round, 7));
        return wait < MostWait ? wait : MostWait;
    }

    /// <summary>Asks until there is an answer: for half a minute when tries fail at once, for a quarter of an hour when none is answered.</summary>
    public static async Task<T> InsistAsync<T>(Func<Task<T>> act, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var round = 1; ; round++)
        {
            try
            {
                return await act();
            }
            catch (Exception e) when (Is(e) && round < MostTries)
            {
                await Task.Delay(Wait(e, round), time, cancellationToken);
            }
        }
    }
}
