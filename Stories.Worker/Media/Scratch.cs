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

    public string File(string name) => Path.Combine(Folder, name);

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Hands out scratch folders; wipes what a killed process left.</summary>
public sealed class ScratchRoom
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const string Prefix = "stories-scratch-";
    private readonly string root;

    public ScratchRoom(IOptions<MediaOptions> options)
    {
        var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        var configured = options.Value.ScratchFolder;
        root = configured.Length > 0 ? configured : Path.Combine(parent, Prefix + Environment.ProcessId);
        if (configured.Length > 0) Wipe(configured);
        else WipeOrphans(parent);
        Directory.CreateDirectory(root, OwnerOnly);
    }

    public Scratch Open() => new(Directory.CreateDirectory(Path.Combine(root, Guid.NewGuid().ToString("N")), OwnerOnly).FullName);

    public bool IsEmpty => !Directory.EnumerateFileSystemEntries(root).Any();

    private static void Wipe(string folder)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    /// <summary>Folders whose process is no more.</summary>
    private static void WipeOrphans(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            if (!int.TryParse(Path.GetFileName(folder).AsSpan(Prefix.Length), out var process) || Directory.Exists($"/proc/{process}")) continue;
            Wipe(folder);
        }
    }
}
