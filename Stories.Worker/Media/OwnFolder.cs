namespace Stories.Worker.Media;

/// <summary>
/// A folder that lives as long as this process, for this user alone. It holds a locked file, the lifeline; the kernel lets go of
/// the lock however the process ends, kill -9 included, so whoever gets it knows that the owner is gone, and may clear up.
/// (A process id in the folder's name would not do: they are used again.)
/// </summary>
internal sealed class OwnFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly FileStream lifeline;

    private OwnFolder(string path, FileStream lifeline) => (Path, this.lifeline) = (path, lifeline);

    public string Path { get; }

    public string Lifeline => LifelineOf(Path);

    /// <summary>Makes one, and wipes those of the same prefix whose process is no more.</summary>
    public static OwnFolder Make(string parent, string prefix)
    {
        Directory.CreateDirectory(parent, OwnerOnly);
        foreach (var folder in Directory.EnumerateDirectories(parent, prefix + "*")) WipeIfAbandoned(folder);
        // It gets its name only once it is locked, or a process that starts beside us would take it for an orphan.
        var name = Guid.NewGuid().ToString("N");
        var nameless = Directory.CreateDirectory(System.IO.Path.Combine(parent, "stories-" + name), OwnerOnly).FullName;
        var lifeline = TryTake(LifelineOf(nameless)) ?? throw new IOException("A folder that was just made is in use.");
        var path = System.IO.Path.Combine(parent, prefix + name);
        Directory.Move(nameless, path);
        return new OwnFolder(path, lifeline);
    }

    /// <summary>Its process is no more, however it ended.</summary>
    public static bool IsAbandoned(string folder)
    {
        using var lifeline = TryTake(LifelineOf(folder));
        return lifeline is not null;
    }

    public static void WipeIfAbandoned(string folder)
    {
        using var orphan = TryTake(LifelineOf(folder));
        if (orphan is not null) Wipe(folder);
    }

    public DirectoryInfo Add(string name) => Directory.CreateDirectory(System.IO.Path.Combine(Path, name), OwnerOnly);

    public void Dispose()
    {
        lifeline.Dispose();
        Wipe(Path);
    }

    private static string LifelineOf(string folder) => System.IO.Path.Combine(folder, "lifeline");

    /// <returns>Null when another process holds it.</returns>
    private static FileStream? TryTake(string file)
    {
        try
        {
            // FileShare.None is flock(LOCK_EX) on Linux; the handle is closed on exec, so no child inherits the lock.
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Wipe(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody starts beside us and wipes it too, or our own work has not stopped: the next start does it.
        }
    }
}
