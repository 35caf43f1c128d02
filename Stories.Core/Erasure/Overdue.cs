namespace Stories.Core.Erasure;

/// <summary>Buckets that should have been erased some time ago, and are not.</summary>
/// <param name="By">How long past the end of the one that ended first.</param>
public sealed record Overdue(IReadOnlyList<Guid> Buckets, TimeSpan By)
{
    /// <summary>A bucket ends at most its width after its stories; what is still there a minute later is a promise that is being broken.</summary>
    public static readonly TimeSpan After = TimeSpan.FromMinutes(1);
}
