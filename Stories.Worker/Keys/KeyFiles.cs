using System.Runtime.InteropServices;
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

    /// <summary>
    /// Writes aside and links into place: nobody ever reads half a key, and of several makers one wins. File.Move without overwriting only
    /// looks first, and between its look and its renaming another's key can be replaced, with which something is wrapped already.
    /// </summary>
    public static void CreateIfMissing(string path, ReadOnlySpan<byte> secret)
    {
        if (File.Exists(path)) return;
        var aside = $"{path}.{Guid.NewGuid():N}";
        using (var file = new FileStream(aside, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerReads }))
        {
            file.Write(secret);
            file.Flush(flushToDisk: true);
        }
        var linked = link(aside, path);
        var error = Marshal.GetLastPInvokeError();
        File.Delete(aside);
        if (linked != 0 && !File.Exists(path)) throw new IOException($"A key could not be linked into place: {Marshal.GetPInvokeErrorMessage(error)}. The folder's file system must know hard links.");
    }

    /// <exception cref="StartRefusedException">Others may read the file: whatever it protected is no secret any more.</exception>
    public static byte[] Read(string path)
    {
        if ((File.GetUnixFileMode(path) & Others) != 0)
            throw new StartRefusedException($"The key file {Path.GetFileName(path)} in Keys:Folder can be read by other users. Make it the service's own: chmod 600");
        return File.ReadAllBytes(path);
    }

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", SetLastError = true, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int link([MarshalAs(UnmanagedType.LPUTF8Str)] string existing, [MarshalAs(UnmanagedType.LPUTF8Str)] string added);
}
