namespace Stories.Core.Erasure;

/// <summary>Buckets that should have been erased some time ago, and are not.</summary>
/// <param name="By">How long past the end of the one that ended first.</param>
public sealed record Overdue(IReadOnlyList<Guid> Buckets, TimeSpan By);
