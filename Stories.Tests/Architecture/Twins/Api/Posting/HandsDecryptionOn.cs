using Stories.Age;

namespace Stories.Tests.Architecture.Twins.Api.Posting;

internal sealed class HandsDecryptionOn
{
    public static Delegate Open() => AgeFile.DecryptAsync;
}
