namespace Stories.Age;

/// <summary>What is wrong with an age file, or with the keys at hand.</summary>
public enum AgeFailure
{
    /// <summary>The header does not follow the age v1 format.</summary>
    Header,

    /// <summary>The header is larger, or has more stanzas, than <see cref="AgeLimits"/> allows.</summary>
    Limit,

    /// <summary>The file is encrypted to a passphrase, which this library does not open.</summary>
    Scrypt,

    /// <summary>None of the identities opens any of the file's stanzas.</summary>
    NoMatch,

    /// <summary>A stanza opened, but the header was changed after it was made.</summary>
    HeaderMac,

    /// <summary>A chunk of the payload was changed, reordered or appended.</summary>
    Payload,

    /// <summary>The payload ends before its final chunk.</summary>
    Truncated,
}

/// <summary>An age file that cannot be opened. The message names the rule that was broken; it never holds keys or content.</summary>
public sealed class AgeException : Exception
{
    /// <summary>Makes an exception for a broken rule.</summary>
    /// <param name="failure">What kind of rule it is.</param>
    /// <param name="message">The rule.</param>
    public AgeException(AgeFailure failure, string message) : base(message) => Failure = failure;

    /// <summary>What kind of rule was broken.</summary>
    public AgeFailure Failure { get; }
}

/// <summary>
/// How much of a header is read before it is refused. The format has no limit of its own, and each X25519 stanza costs a
/// scalar multiplication to try.
/// </summary>
public sealed record AgeLimits
{
    /// <summary>64 KiB and 20 stanzas: more than any client writes.</summary>
    public static AgeLimits Default { get; } = new();

    /// <summary>Bytes of the header, its MAC line included.</summary>
    public int MaxHeaderBytes { get; init; } = 64 * 1024;

    /// <summary>Stanzas of any type.</summary>
    public int MaxStanzas { get; init; } = 20;
}
