namespace Stories.Client.Demo;

internal static class DemoShow
{
    public static Task<int> RunAsync(string samples, bool json, CancellationToken cancellationToken) => Task.FromResult(samples.Length + (json ? 1 : 0) + (cancellationToken.CanBeCanceled ? 1 : 0));
}
