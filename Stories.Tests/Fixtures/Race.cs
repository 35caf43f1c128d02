using System.Collections.Concurrent;
using Stories.Client;

namespace Stories.Tests.Fixtures;

/// <summary>One of several requests that come at once.</summary>
/// <param name="TooLate">What it may be told instead of being taken. Anything else is a fault.</param>
internal sealed record Racer(string Kind, Func<Task> Act, params string[] TooLate);

/// <summary>Counts, kind by kind, what became of requests that came at once: who reads it sees whether there was a race.</summary>
internal sealed class Race
{
    private readonly ConcurrentDictionary<(string Kind, string Outcome), int> counts = [];

    /// <returns>Whether it was taken.</returns>
    public async Task<bool> TryAsync(Racer racer)
    {
        // All are on their way before any goes on.
        await Task.Yield();
        try
        {
            await racer.Act();
            Count(racer.Kind, "taken");
            return true;
        }
        catch (StoriesProblemException e) when (racer.TooLate.Contains(e.Code))
        {
            Count(racer.Kind, e.Code);
            return false;
        }
    }

    public int Taken(string kind) => counts.GetValueOrDefault((kind, "taken"));

    /// <summary>In the test's output.</summary>
    public void Tell()
    {
        foreach (var kind in counts.OrderBy(c => c.Key).GroupBy(c => c.Key.Kind))
            TestContext.Current.TestOutputHelper?.WriteLine($"{kind.Key}: {string.Join(", ", kind.Select(c => $"{c.Value} × {c.Key.Outcome}"))}");
    }

    private void Count(string kind, string outcome) => counts.AddOrUpdate((kind, outcome), 1, (_, before) => before + 1);
}
