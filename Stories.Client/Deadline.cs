namespace Stories.Client;

/// <summary>Gives up on who stays silent, as on who cannot be reached.</summary>
internal static class Deadline
{
    /// <summary>For an answer as a whole, or each piece of a story's media. What is uploaded watches its own progress instead.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);

    public static async Task<T> KeepAsync<T>(Func<CancellationToken, Task<T>> act, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await act(either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.Unknown, $"No answer has come for {Limit.TotalSeconds:0} s.", e);
        }
    }
}
