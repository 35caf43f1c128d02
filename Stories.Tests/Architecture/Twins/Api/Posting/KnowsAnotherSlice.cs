namespace Stories.Tests.Architecture.Twins.Api.Posting;

internal sealed class KnowsAnotherSlice
{
    public static async Task<string> ShowAsync()
    {
        await Task.Yield();
        return Viewing.KnowsStorage.Word;
    }
}
