namespace Stories.Bench;

/// <summary>Files of this checkout, in whatever folder a benchmark is asked for.</summary>
internal static class Repository
{
    // Stories.Bench/bin/CONFIGURATION/FRAMEWORK/
    public static string Path(string file) => System.IO.Path.GetFullPath(System.IO.Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", file));
}
