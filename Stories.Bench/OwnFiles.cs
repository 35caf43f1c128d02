namespace Stories.Bench;

/// <summary>Photos and clips of whoever measures, instead of those that a benchmark makes for itself.</summary>
internal static class OwnFiles
{
    public static readonly string[] Photos = [".jpg", ".jpeg", ".png", ".webp", ".avif"];
    public static readonly string[] Heics = [".heic"];
    public static readonly string[] Videos = [".mp4", ".mov", ".m4v", ".webm", ".mkv"];

    /// <param name="paths">Files, taken as they are; of folders what ends as it should.</param>
    /// <param name="endings">Of names in folders.</param>
    /// <returns>None when none were asked for.</returns>
    public static IReadOnlyList<string> Find(IReadOnlyList<string> paths, string[] endings)
    {
        var files = paths.SelectMany(IEnumerable<string> (path) => Directory.Exists(path)
            ? Directory.EnumerateFiles(path).Where(file => endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)
            : [path]).Select(Path.GetFullPath).ToList();
        if (paths.Count > 0 && files.Count == 0) throw new FileNotFoundException($"Nothing there ends in {string.Join(", ", endings)}.");
        return files.Find(file => !File.Exists(file)) is { } missing ? throw new FileNotFoundException($"There is no {missing}.") : files;
    }
}
