using System.Collections.Concurrent;

namespace Stories.Worker.Erasure;

/// <summary>Why this worker could not erase a bucket when it last tried, as a code. Another worker may know more; the rows know what is due.</summary>
public sealed class ErasureTrouble
{
    /// <summary>Nobody refused: storage has taken the deletion and is still at it, or another worker is.</summary>
    public const string Unfinished = "not finished yet";

    private readonly ConcurrentDictionary<Guid, string> codes = [];

    public void Note(Guid bucket, string code) => codes[bucket] = code;

    public void Forget(Guid bucket) => codes.TryRemove(bucket, out _);

    public void ForgetAllBut(IReadOnlySet<Guid> due)
    {
        foreach (var bucket in codes.Keys)
            if (!due.Contains(bucket)) Forget(bucket);
    }

    /// <returns>Each kind once.</returns>
    public string Of(IEnumerable<Guid> buckets) => string.Join(", ", buckets.Select(bucket => codes.GetValueOrDefault(bucket, Unfinished)).Distinct().Order(StringComparer.Ordinal));
}
