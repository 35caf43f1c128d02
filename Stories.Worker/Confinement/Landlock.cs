using System.Runtime.InteropServices;

namespace Stories.Worker.Confinement;

/// <summary>
/// Rules over files, TCP, signals and abstract sockets that a process may lay upon itself, whatever container it is in
/// (landlock(7)). What is not named cannot be opened; it can still be seen to exist.
/// </summary>
internal static class Landlock
{
    private const int CreateRuleset = 444;
    private const int AddRule = 445;
    private const int RestrictSelf = 446;
    private const uint AskVersion = 1;
    private const nuint PathBeneath = 1;
    private const int PathOnly = 0x200000 | 0x80000;

    private const ulong Execute = 1 << 0;
    private const ulong WriteFile = 1 << 1;
    private const ulong ReadFile = 1 << 2;
    private const ulong ReadFolder = 1 << 3;
    private const ulong RemoveFolder = 1 << 4;
    private const ulong RemoveFile = 1 << 5;
    private const ulong MakeFolder = 1 << 7;
    private const ulong MakePlainFile = 1 << 8;
    private const ulong Truncate = 1 << 14;

    /// <summary>What there is to be forbidden, by version. Files: the first thirteen rights, then linking across folders, truncating, and commands to devices.</summary>
    private static readonly ulong[] Files = [0, 0x1FFF, 0x3FFF, 0x7FFF, 0x7FFF, 0xFFFF];
    private const ulong BindAndConnect = 3;
    private const ulong AbstractSocketsAndSignals = 3;

    /// <summary>0 where the kernel has none, or is not told to use it.</summary>
    public static int Version { get; } = Math.Max(0, (int)syscall(CreateRuleset, 0, 0, AskVersion));

    /// <returns>A ruleset, to be entered by <see cref="Enter"/>.</returns>
    public static int Rule(IEnumerable<string> readable, IEnumerable<string> writable)
    {
        if (Version < 1) throw new ConfinementException("This kernel has no Landlock.");
        var files = Files[Math.Min(Version, Files.Length - 1)];
        var attributes = new Attributes(files, Version >= 4 ? BindAndConnect : 0, Version >= 6 ? AbstractSocketsAndSignals : 0);
        var ruleset = (int)Kernel.Check(syscall(CreateRuleset, attributes, (nuint)Marshal.SizeOf<Attributes>(), 0), "landlock_create_ruleset");
        foreach (var path in readable) Allow(ruleset, path, files & (Execute | ReadFile | ReadFolder));
        foreach (var path in writable) Allow(ruleset, path, files & (ReadFile | ReadFolder | WriteFile | RemoveFolder | RemoveFile | MakeFolder | MakePlainFile | Truncate));
        return ruleset;
    }

    /// <summary>Binds the calling thread, and what it becomes.</summary>
    public static void Enter(int ruleset) => Kernel.Check(syscall(RestrictSelf, (nuint)ruleset, 0, 0), "landlock_restrict_self");

    private static void Allow(int ruleset, string path, ulong rights)
    {
        var file = (int)Kernel.Check(open(path, PathOnly), path);
        // Rights over what lies in a folder are not to be given on a file.
        if (!Directory.Exists(path)) rights &= Execute | ReadFile | WriteFile | Truncate;
        Kernel.Check(syscall(AddRule, (nuint)ruleset, PathBeneath, new Rights(rights, file), 0), "landlock_add_rule");
    }

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", SetLastError = true)]
    private static extern nint syscall(nint number, nuint first, nuint second, nuint third);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", SetLastError = true)]
    private static extern nint syscall(nint number, in Attributes attributes, nuint size, nuint flags);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", SetLastError = true)]
    private static extern nint syscall(nint number, nuint ruleset, nuint kind, in Rights rights, nuint flags);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", SetLastError = true, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    /// <summary>struct landlock_ruleset_attr; older kernels take a longer one if what they do not know is zero.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Attributes(ulong files, ulong network, ulong scopes)
    {
        private readonly ulong files = files;
        private readonly ulong network = network;
        private readonly ulong scopes = scopes;
    }

    /// <summary>struct landlock_path_beneath_attr</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private readonly struct Rights(ulong allowed, int parent)
    {
        private readonly ulong allowed = allowed;
        private readonly int parent = parent;
    }
}
