using Microsoft.Extensions.Options;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>
/// The only place where plaintext rests outside a decoder: a folder in memory, for one piece of work, for this user alone.
/// It exists because MP4 needs seeking.
/// </summary>
public sealed class Scratch : IAsyncDisposable
{
    private readonly SemaphoreSlim? places;

    /// <param name="places">One of which goes back with it.</param>
    internal Scratch(string folder, SemaphoreSlim? places = null) => (Folder, this.places) = (folder, places);

    public string Folder { get; }

    /// <summary>What lies in it now.</summary>
    public long Bytes => new DirectoryInfo(Folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.LinkTarget is null ? file.Length : 0);

    public string File(string name) => Path.Combine(Folder, name);

    public ValueTask DisposeAsync()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        finally
        {
            places?.Release();
        }
        return ValueTask.CompletedTask;
    }
}

/// <summary>
/// Hands out scratch folders, no more at once than there is room for what each may take: none is refused for what others have
/// written. Wipes what a killed process left.
/// </summary>
public sealed class ScratchRoom : IDisposable
{
    private const string Prefix = "stories-scratch-";

    private readonly OwnFolder folder;
    private readonly SemaphoreSlim places;

    public ScratchRoom(IOptions<MediaOptions> options)
    {
        // A folder of our own even in a configured place: another worker of this machine may be using it too.
        folder = OwnFolder.Make(PlaceOf(options.Value), Prefix);
        places = new SemaphoreSlim((int)Math.Clamp(new DriveInfo(Folder).AvailableFreeSpace / options.Value.WorkBytes, 1, int.MaxValue));
    }

    public string Folder => folder.Path;

    public bool IsEmpty => !Directory.EnumerateDirectories(Folder).Any();

    /// <summary>For what takes next to nothing.</summary>
    public Scratch Open() => new(NewFolder());

    /// <summary>For work on media: waits until there is room.</summary>
    public async Task<Scratch> OpenAsync(CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        try
        {
            return new Scratch(NewFolder(), places);
        }
        catch
        {
            places.Release();
            throw;
        }
    }

    public void Dispose()
    {
        folder.Dispose();
        places.Dispose();
    }

    /// <summary>The rooms of all workers of this machine, dead ones too.</summary>
    public static IEnumerable<string> FindAll(MediaOptions options) =>
        Directory.Exists(PlaceOf(options)) ? Directory.EnumerateDirectories(PlaceOf(options), Prefix + "*") : [];

    /// <summary>Its worker is no more: whatever lies in it is nobody's work.</summary>
    public static bool IsAbandoned(string room) => OwnFolder.IsAbandoned(room);

    public static void WipeIfAbandoned(string room) => OwnFolder.WipeIfAbandoned(room);

    private string NewFolder() => folder.Add(Guid.NewGuid().ToString("N")).FullName;

    private static string PlaceOf(MediaOptions options) =>
        options.ScratchFolder.Length > 0 ? options.ScratchFolder : Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
}
