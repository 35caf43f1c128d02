using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>
/// What a decoder leaves in scratch is not trusted: under the expected name may lie a link to a file of ours, which would then
/// be published or written to, or a pipe that never opens. Decoders that still run beside it can make none of these (SyscallFilter);
/// this is the second wall.
/// </summary>
internal static class PlainFile
{
    /// <returns>The file's length.</returns>
    /// <exception cref="MediaRefusedException">There is no such plain file, or nothing in it, unless <paramref name="mayBeEmpty"/>.</exception>
    public static long Check(string path, bool mayBeEmpty = false) =>
        Libc.IsPlainFile(path) && new FileInfo(path).Length is var length && (length > 0 || mayBeEmpty) ? length : throw new MediaRefusedException(MediaCodes.Damaged);

    /// <summary>One of ours: whatever lies under its name goes, and is never followed.</summary>
    public static FileStream Create(string path)
    {
        File.Delete(path);
        return new FileStream(path, FileMode.CreateNew, FileAccess.Write);
    }
}
