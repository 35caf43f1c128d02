namespace Stories.Client;

/// <summary>Gives up on a service that stays silent, as on one that cannot be reached.</summary>
internal static class Deadline
{
    /// <summary>For an answer as a whole. Bytes of media watch their own progress instead.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);

    public static async Task<T> KeepAsync<T>(Func<CancellationToken, Task<T>> act, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            return await act(limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.Unknown, $"The service has not answered for {Limit.TotalSeconds:0} s.", e);
        }
    }
}
