using Stories.Core;

namespace Stories.Worker.Keys;

/// <summary>Secrets in files with owner-only rights. Several workers may share the folder: the first to write a name wins.</summary>
internal static class KeyFiles
{
    private const UnixFileMode OwnerReads = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute |
        UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

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

    /// <exception cref="StartRefusedException">Others may read the file: whatever it protected is no secret any more.</exception>
    public static byte[] Read(string path)
    {
        if ((File.GetUnixFileMode(path) & Others) != 0)
            throw new StartRefusedException($"The key file {Path.GetFileName(path)} in Keys:Folder can be read by other users. Make it the service's own: chmod 600");
        return File.ReadAllBytes(path);
    }
}
