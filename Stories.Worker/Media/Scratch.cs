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
    private const string Prefix = "stories-scratch-";

    private readonly OwnFolder folder;

    // A folder of our own even in a configured place: another worker of this machine may be using it too.
    public ScratchRoom(IOptions<MediaOptions> options) => folder = OwnFolder.Make(PlaceOf(options.Value), Prefix);

    public string Folder => folder.Path;

    public bool IsEmpty => !Directory.EnumerateDirectories(Folder).Any();

    public Scratch Open() => new(folder.Add(Guid.NewGuid().ToString("N")).FullName);

    public void Dispose() => folder.Dispose();

    /// <summary>The rooms of all workers of this machine, dead ones too.</summary>
    public static IEnumerable<string> FindAll(MediaOptions options) =>
        Directory.Exists(PlaceOf(options)) ? Directory.EnumerateDirectories(PlaceOf(options), Prefix + "*") : [];

    /// <summary>Its worker is no more: whatever lies in it is nobody's work.</summary>
    public static bool IsAbandoned(string room) => OwnFolder.IsAbandoned(room);

    public static void WipeIfAbandoned(string room) => OwnFolder.WipeIfAbandoned(room);

    private static string PlaceOf(MediaOptions options) =>
        options.ScratchFolder.Length > 0 ? options.ScratchFolder : Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
}
