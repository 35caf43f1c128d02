using Stories.Age;

namespace Stories.Tests.Architecture.Twins.Api.Posting;

internal sealed class DecryptsInALambda
{
    public static Func<byte[], byte[]> Open { get; } = file => AgeFile.Decrypt(file, null!);
}
