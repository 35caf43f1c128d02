namespace Stories.Client;

/// <summary>Files that are old or new and nothing between, for their owner only.</summary>
internal static class WholeFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
    }

    /// <summary>Writes aside and moves into place: a crash leaves the old file or the new one.</summary>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        var aside = Aside(path);
        try
        {
            using (var file = Create(aside))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }
            File.Move(aside, path, overwrite: true);
        }
        catch
        {
            File.Delete(aside);
            throw;
        }
    }

    /// <summary>Deletes what a crash left aside of this file; for who has the turn to write it, since others' asides are still being written.</summary>
    public static void Sweep(string path)
    {
        var start = $"{path}.";
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(path)!))
            if (file.StartsWith(start, StringComparison.Ordinal) && Guid.TryParseExact(file[start.Length..], "N", out _)) File.Delete(file);
    }

    public static FileStream Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        return new FileStream(path, options);
    }

    /// <summary>A name beside it that nobody else takes.</summary>
    public static string Aside(string path) => $"{path}.{Guid.NewGuid():N}";
}
