namespace Stories.Client;

/// <summary>
/// Something that should be genuine is not: a signature, a digest, an end of life, a key. What was written before, for instance
/// the beginning of a rendition, is worth nothing.
/// </summary>
public sealed class NotGenuineException : Exception
{
    internal NotGenuineException(string message, Exception? cause = null) : base(message, cause)
    {
    }
}
