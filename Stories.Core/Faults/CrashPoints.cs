using System.Diagnostics;

namespace Stories.Core.Faults;

/// <summary>
/// Named places at which a test can have this process killed, as a power cut would: no handler runs, nothing is flushed.
/// Switched on by the environment; without it a string comparison.
/// </summary>
public static class CrashPoints
{
    private static readonly string? Armed = Environment.GetEnvironmentVariable("STORIES_CRASH_AT");

    public static void Hit(string name)
    {
        if (Armed is null || Armed != name) return;
        using var self = Process.GetCurrentProcess();
        self.Kill();
        self.WaitForExit();
    }
}
