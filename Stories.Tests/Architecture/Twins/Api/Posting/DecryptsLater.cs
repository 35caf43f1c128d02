using Stories.Age;

namespace Stories.Tests.Architecture.Twins.Api.Posting;

internal sealed class DecryptsLater
{
    public static async Task OpenAsync(Stream from, Stream to)
    {
        await Task.Yield();
        await AgeFile.DecryptAsync(from, to, [], null, CancellationToken.None);
    }
}
