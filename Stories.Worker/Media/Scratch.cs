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

/// <summary>
/// Hands out scratch folders; wipes what killed processes left. Several workers may share the parent: each has a room that is
/// named after its process, by number and start time, because numbers come again.
/// </summary>
public sealed class ScratchRoom
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const string Prefix = "stories-scratch-";
    private readonly string root;

    public ScratchRoom(IOptions<MediaOptions> options)
    {
        var parent = options.Value.ScratchFolder is { Length: > 0 } configured ? configured : Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        Directory.CreateDirectory(parent, OwnerOnly);
        foreach (var room in Directory.EnumerateDirectories(parent, Prefix + "*"))
            if (!IsOfLivingProcess(Path.GetFileName(room))) Directory.Delete(room, recursive: true);
        root = Path.Combine(parent, $"{Prefix}{Environment.ProcessId}-{StartOf(Environment.ProcessId)}");
        Directory.CreateDirectory(root, OwnerOnly);
    }

    public Scratch Open() => new(Directory.CreateDirectory(Path.Combine(root, Guid.NewGuid().ToString("N")), OwnerOnly).FullName);

    public bool IsEmpty => !Directory.EnumerateFileSystemEntries(root).Any();

    private static bool IsOfLivingProcess(string room)
    {
        var parts = room[Prefix.Length..].Split('-');
        return parts.Length == 2 && int.TryParse(parts[0], out var process) && StartOf(process) == parts[1];
    }

    /// <returns>Field 22 of proc(5), ticks since boot; null when there is no such process.</returns>
    private static string? StartOf(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            // The name, in brackets, may hold anything.
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
