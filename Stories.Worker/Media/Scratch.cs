using Microsoft.Extensions.Options;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>
/// The only place where plaintext rests outside a decoder: a folder in memory, for one piece of work, for this user alone.
/// It exists because MP4 needs seeking.
/// </summary>
public sealed class Scratch : IAsyncDisposable
{
    internal Scratch(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>What lies in it now.</summary>
    public long Bytes => new DirectoryInfo(Folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.LinkTarget is null ? file.Length : 0);

    public string File(string name) => Path.Combine(Folder, name);

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Hands out scratch folders; wipes what a killed process left.</summary>
public sealed class ScratchRoom : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const string Prefix = "stories-scratch-";
    private readonly Lifeline lifeline;

    public ScratchRoom(IOptions<MediaOptions> options)
    {
        var configured = options.Value.ScratchFolder;
        var parent = configured.Length > 0 ? configured : Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        Directory.CreateDirectory(parent, OwnerOnly);
        WipeOrphans(parent);
        // A folder of our own even in a configured place: another worker of this machine may be using it too. It gets its name
        // only once it is locked, or a worker that starts beside us would take it for an orphan.
        var name = Guid.NewGuid().ToString("N");
        var nameless = Directory.CreateDirectory(Path.Combine(parent, "stories-" + name), OwnerOnly).FullName;
        lifeline = Lifeline.Take(LockOf(nameless)) ?? throw new IOException("A scratch folder that was just made is in use.");
        Folder = Path.Combine(parent, Prefix + name);
        Directory.Move(nameless, Folder);
    }

    public string Folder { get; }

    /// <summary>Whose end the kernel announces to everything that must not outlive us.</summary>
    internal string LifelineFile => LockOf(Folder);

    public bool IsEmpty => !Directory.EnumerateDirectories(Folder).Any();

    public Scratch Open() => new(Directory.CreateDirectory(Path.Combine(Folder, Guid.NewGuid().ToString("N")), OwnerOnly).FullName);

    public void Dispose()
    {
        lifeline.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static string LockOf(string folder) => Path.Combine(folder, "lifeline");

    /// <summary>Folders whose worker is no more: its lock can be had. (A process id would not do: they are used again.)</summary>
    private static void WipeOrphans(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            using var orphan = Lifeline.Take(LockOf(folder));
            if (orphan is null) continue;
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (IOException)
            {
                // Another worker starts beside us and wipes it too.
            }
        }
    }
}
