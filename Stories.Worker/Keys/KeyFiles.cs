namespace Stories.Worker.Keys;

/// <summary>Secrets in files with owner-only rights. Several workers may share the folder: the first to write a name wins.</summary>
internal static class KeyFiles
{
    private const UnixFileMode OwnerReads = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static void CreateFolder(string folder) => Directory.CreateDirectory(folder, OwnerReads | UnixFileMode.UserExecute);

    /// <summary>Writes aside and links into place, so that nobody ever reads half a key.</summary>
    public static void CreateIfMissing(string path, ReadOnlySpan<byte> secret)
    {
        if (File.Exists(path)) return;
        var aside = $"{path}.{Guid.NewGuid():N}";
        using (var file = new FileStream(aside, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerReads }))
        {
            file.Write(secret);
            file.Flush(flushToDisk: true);
        }
        try
        {
            File.Move(aside, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(aside);
        }
    }
}
