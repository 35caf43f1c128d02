using System.Runtime.InteropServices;

namespace Stories.Worker.Media;

/// <summary>The two system calls that .NET does not offer.</summary>
internal static class Libc
{
    /// <summary>linux/stat.h: the struct is the same on every processor.</summary>
    private const int StatusBytes = 256;

    private const int CurrentFolder = -100;
    private const int DoNotFollow = 0x100;
    private const uint TypeAndLinks = 0x1 | 0x4;
    private const int LinksAt = 16;
    private const int ModeAt = 28;
    private const int TypeMask = 0xF000;
    private const int PlainType = 0x8000;
    private const int KillSignal = 9;

    /// <returns>Whether there is a file by this very name: no link to one, no pipe, no second name of another.</returns>
    public static bool IsPlainFile(string path)
    {
        var status = new byte[StatusBytes];
        return statx(CurrentFolder, path, DoNotFollow, TypeAndLinks, status) == 0 &&
            (BitConverter.ToUInt16(status, ModeAt) & TypeMask) == PlainType && BitConverter.ToUInt32(status, LinksAt) == 1;
    }

    /// <summary>Ends all processes of a group at once.</summary>
    public static void KillGroup(int group) => _ = kill(-group, KillSignal);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int statx(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, [Out] byte[] status);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc")]
    private static extern int kill(int process, int signal);
}
