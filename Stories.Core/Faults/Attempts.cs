namespace Stories.Core.Faults;

public static class Attempts
{
    private const int MostFailures = 3;

    /// <summary>One that storage holds on to must not keep the others, wherever it comes among them; and an outage is not tried for each.</summary>
    /// <exception cref="AggregateException">What went wrong, when anything did; by then the others are done, or three have failed.</exception>
    public static async Task EachAsync<T>(IEnumerable<T> items, Func<T, Task> doAsync, CancellationToken cancellationToken)
    {
        var failures = new List<Exception>();
        foreach (var item in items)
        {
            try
            {
                await doAsync(item);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                failures.Add(e);
                if (failures.Count == MostFailures) break;
            }
        }
        if (failures.Count > 0) throw new AggregateException(failures);
    }
}
