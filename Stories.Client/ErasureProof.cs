using Stories.Protocol;

namespace Stories.Client;

/// <summary>
/// What a device can say of the end of a story that it posted: one of the three below. It is the service's word, signed: docs/threat-model.md says
/// what that proves, and what it does not.
/// </summary>
public abstract record ErasureProof
{
    private ErasureProof()
    {
    }

    /// <summary>The service has signed that everything which ended with the story is gone, and the story is one of those it names.</summary>
    /// <param name="Record">What was signed.</param>
    /// <param name="ExpiresAt">The story's end, as the service accepted it.</param>
    public sealed record Erased(ErasureRecord Record, DateTimeOffset ExpiresAt) : ErasureProof
    {
        /// <summary>When the story's bucket ended; not before the story.</summary>
        public DateTimeOffset DueAt => DateTimeOffset.FromUnixTimeMilliseconds(Record.Due);

        /// <summary>When the service had looked, and found nothing.</summary>
        public DateTimeOffset ErasedAt => DateTimeOffset.FromUnixTimeMilliseconds(Record.Erased);
    }

    /// <summary>The service does not say yet that it is erased.</summary>
    /// <param name="DueAt">When the story's bucket ends, or ended.</param>
    public sealed record Pending(DateTimeOffset DueAt) : ErasureProof;

    /// <summary>There is no record, or it is none.</summary>
    /// <param name="Reason">In words for people.</param>
    /// <param name="Fault">What is wrong with the record; null when there is none.</param>
    public sealed record NotProven(string Reason, ErasureFault? Fault = null) : ErasureProof;
}
