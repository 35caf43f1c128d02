using Stories.Core.Faults;

namespace Stories.Worker.Media;

internal static class Blame
{
    /// <summary>
    /// Whether an attempt counts: storage, database or keys that are away, and walls that fell, are nothing that a file could bring about.
    /// Until they are back the work waits.
    /// </summary>
    public static bool MayBeOfFiles(Exception failure) => !Trouble.IsAway(failure) && failure is not SandboxFaultException { IsOfFiles: false };
}
