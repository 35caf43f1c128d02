namespace Stories.Tests.Fixtures;

/// <summary>Where this checkout lies: tests read samples, documents and npm packages from it.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Path(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Root, .. parts]);

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(System.IO.Path.Combine(folder, "Stories.sln"))) folder = System.IO.Path.GetDirectoryName(folder)!;
        return folder;
    }
}
