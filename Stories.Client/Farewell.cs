namespace Stories.Client;

/// <summary>What is taken back on the way out, if that can be done quickly: the failure that led here is the one to tell.</summary>
internal static class Farewell
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    public static async Task TryAsync(Func<CancellationToken, Task> act)
    {
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await act(limit.Token);
        }
        catch (Exception e) when (e is StoriesProblemException or HttpRequestException or OperationCanceledException)
        {
            // It was never there, or is gone, or stays until its own end.
        }
    }
}
