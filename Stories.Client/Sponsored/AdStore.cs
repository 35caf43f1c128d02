using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Sponsored;

/// <summary>
/// What a device keeps about sponsored statuses, in the folder <c>ads</c> beside its <see cref="DeviceStore"/>: the log of what was shown and hidden,
/// the last good catalog, and media that were fetched ahead. Nobody else gets the log. Safe for use by several threads and several
/// processes: each change reads the log again, and replaces it whole.
/// </summary>
public sealed class AdStore
{
    private readonly string logPath;
    private readonly string catalogPath;

    private AdStore(string folder)
    {
        logPath = Path.Combine(folder, "log");
        catalogPath = Path.Combine(folder, "catalog.json");
        Media = new AdMedia(Path.Combine(folder, "media"));
    }

    internal AdMedia Media { get; }

    /// <summary>Opens what a device keeps, or begins with nothing.</summary>
    /// <param name="folder">The device's, as given to <see cref="DeviceStore.Open"/>; made with rights for its owner only when it is missing.</param>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be made.</exception>
    public static AdStore Open(string folder)
    {
        var ads = Path.Combine(Path.GetFullPath(folder), "ads");
        WholeFile.MakeFolder(ads);
        WholeFile.MakeFolder(Path.Combine(ads, "media"));
        var store = new AdStore(ads);
        using (Turn.Take(store.logPath)) store.Sweep();
        return store;
    }

    /// <summary>
    /// The log as it is now. One that is damaged is answered as an empty one that keeps everything shut for 30 days, since what was shown is unknown.
    /// </summary>
    /// <param name="now">Of this device's clock.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public AdLog Read(DateTimeOffset now) => Parse(ReadFile(logPath), now);

    /// <summary>Forgets everything: what was shown, hidden and not yet told, the catalog and the media; for when the person's account is erased.</summary>
    /// <exception cref="IOException">A file cannot be deleted.</exception>
    public void Forget()
    {
        using var turn = Turn.Take(logPath);
        File.Delete(logPath);
        File.Delete(catalogPath);
        Media.Keep(new HashSet<string>());
        Sweep();
    }

    /// <summary>Changes the log and returns when it is on the disk; one that stays as it is, is not written.</summary>
    /// <param name="now">Of this device's clock; what is too old is forgotten at the same time.</param>
    /// <param name="change">Runs while nobody else can change it.</param>
    internal void Change(DateTimeOffset now, Func<AdLog, AdLog> change)
    {
        using var turn = Turn.Take(logPath);
        var before = ReadFile(logPath);
        var after = change(Parse(before, now).Prune(now)).Write();
        if (before is null || !before.AsSpan().SequenceEqual(after)) WholeFile.Write(logPath, after);
    }

    /// <summary>Null when there is none that can be read; not verified.</summary>
    internal FetchedCatalog? ReadCatalog() => ReadFile(catalogPath) is { } bytes ? StoriesJson.ReadCanonical<FetchedCatalog>(bytes) : null;

    internal void KeepCatalog(FetchedCatalog catalog)
    {
        using var turn = Turn.Take(logPath);
        WholeFile.Write(catalogPath, StoriesJson.Write(catalog));
    }

    private static AdLog Parse(byte[]? file, DateTimeOffset now) => file is null ? AdLog.Empty : AdLog.Read(file, now);

    private static byte[]? ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>What a crash left aside; whoever writes just now has the turn.</summary>
    private void Sweep()
    {
        foreach (var aside in Directory.EnumerateFiles(Path.GetDirectoryName(logPath)!).Where(f => f != logPath && f != catalogPath)) File.Delete(aside);
    }
}
