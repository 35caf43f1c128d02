using System.Runtime.InteropServices;

namespace Stories.Worker.Confinement;

/// <summary>What a process takes away from itself for good. Some of it binds the calling thread only, so all of it belongs on the thread that becomes the decoder.</summary>
internal static class Kernel
{
    private const int CloseRange = 436;
    private const uint OnExecution = 4;
    private const int CapabilityVersion = 0x20080522;
    private const int SetFilter = 22;
    private const int WithProgram = 2;
    private const int SetNoNewPrivileges = 38;
    private const int PipeSignal = 13;

    /// <summary>Finds every function now: in Landlock there may be no way to it any more.</summary>
    public static void Prepare() => Marshal.PrelinkAll(typeof(Kernel));

    /// <summary>Those that .NET did not open: it does so by itself. Before Linux 5.11 there is no such call.</summary>
    public static bool CloseFilesOnExecution() => syscall(CloseRange, 3, uint.MaxValue, OnExecution) == 0;

    /// <summary>Root without them is a user like any other; with no_new_privs no program brings them back.</summary>
    public static void DropPrivileges()
    {
        Check(capset([CapabilityVersion, 0], new int[6]), "capset");
        Check(prctl(SetNoNewPrivileges, 1, 0, 0, 0), "no_new_privs");
    }

    public static void Filter(byte[] program)
    {
        var steps = GCHandle.Alloc(program, GCHandleType.Pinned);
        try
        {
            Check(prctl(SetFilter, WithProgram, new FilterProgram((ushort)(program.Length / 8), steps.AddrOfPinnedObject())), "seccomp");
        }
        finally
        {
            steps.Free();
        }
    }

    /// <summary>Returns only by exception.</summary>
    public static void Become(string program, IEnumerable<string> arguments, IEnumerable<string> environment)
    {
        // .NET ignores it, and what is ignored stays so.
        _ = signal(PipeSignal, 0);
        Check(execve(program, [program, .. arguments, null], [.. environment, null]), program);
    }

    public static nint Check(nint result, string what) => result >= 0 ? result : throw new ConfinementException($"{what}: error {Marshal.GetLastPInvokeError()}");

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", SetLastError = true)]
    private static extern nint syscall(nint number, nuint first, nuint second, nuint third);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", SetLastError = true)]
    private static extern int capset([In] int[] header, [In] int[] sets);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", SetLastError = true)]
    private static extern int prctl(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", SetLastError = true)]
    private static extern int prctl(int option, nuint mode, in FilterProgram program);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc")]
    private static extern nint signal(int number, nint handler);

    /// <summary>LPStr is UTF-8 here.</summary>
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [DllImport("libc", SetLastError = true, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int execve(
        [MarshalAs(UnmanagedType.LPStr)] string program,
        [In, MarshalAs(UnmanagedType.LPArray, ArraySubType = UnmanagedType.LPStr)] string?[] arguments,
        [In, MarshalAs(UnmanagedType.LPArray, ArraySubType = UnmanagedType.LPStr)] string?[] environment);

    /// <summary>struct sock_fprog</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct FilterProgram(ushort length, nint steps)
    {
        private readonly ushort length = length;
        private readonly nint steps = steps;
    }
}

/// <summary>A wall could not be put up. Nothing has been run.</summary>
internal sealed class ConfinementException(string message) : Exception(message);
