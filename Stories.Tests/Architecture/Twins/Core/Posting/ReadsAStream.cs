using Stories.Age;

namespace Stories.Tests.Architecture.Twins.Core.Posting;

internal sealed class ReadsAStream
{
    public AgeDecryptStream? Plaintext { get; set; }
}
