using System.Security.Cryptography;
using System.Text.Json;
using Stories.Age;
using Stories.Protocol;

namespace Stories.Client;

/// <summary>
/// A device's secrets in one file that only its owner may read: its age identity and signing key, the keys of its audiences'
/// epochs, what these audiences are called (the service never learns that), the service's pinned key, and the tickets of what it
/// posted. Safe for use by several threads and several processes: each change reads the file again, and replaces it whole; what is looked for and not known here is
/// looked for in the file. Whatever does either throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when that cannot be done, and
/// <see cref="InvalidDataException"/> when somebody has damaged the file.
/// </summary>
public sealed class DeviceStore : IDisposable
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>As long as a service keeps its erasure records.</summary>
    private static readonly TimeSpan TicketsKeptFor = TimeSpan.FromDays(90);

    private readonly string path;
    private volatile Content content;

    private DeviceStore(string path, Content read)
    {
        this.path = path;
        Identity = AgeIdentity.Parse(read.Identity);
        SigningKey = SigningKey.FromSeed(read.SigningSeed);
        content = WithoutKeys(read);
    }

    /// <summary>The device's id, chosen by itself.</summary>
    public Guid Id => content.Device;

    /// <summary>Opens the envelopes that are addressed to this device.</summary>
    public AgeIdentity Identity { get; }

    /// <summary>Signs what this device posts.</summary>
    public SigningKey SigningKey { get; }

    /// <summary>Signs offers of the advertiser whose this device is. Made from the device's secret, and not to be linked with what it posts.</summary>
    /// <returns>To be disposed by the caller.</returns>
    /// <exception cref="ObjectDisposedException">The store's keys are wiped.</exception>
    public SigningKey OpenOfferKey()
    {
        var secret = SigningKey.ExportSeed();
        Span<byte> seed = stackalloc byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, seed, salt: [], info: "stories/offer-key/v1"u8);
        var key = SigningKey.FromSeed(seed);
        CryptographicOperations.ZeroMemory(secret);
        CryptographicOperations.ZeroMemory(seed);
        return key;
    }

    /// <summary>Names of the owner's audiences, as this store read or wrote them last.</summary>
    public IReadOnlyList<string> AudienceNames => [.. content.Audiences.Select(a => a.Name)];

    /// <summary>The pinned service key, 32 bytes; null before the first contact.</summary>
    public byte[]? ServiceKey => content.ServiceKey;

    /// <summary>Of what this device posted within the last 90 days, oldest first, as this store read or wrote them last.</summary>
    public IReadOnlyList<KeptTicket> Tickets => content.Tickets ?? [];

    /// <summary>Reads the store of a folder, or begins one with fresh keys.</summary>
    /// <param name="folder">Made with rights for its owner only when it is missing.</param>
    /// <exception cref="InvalidDataException">The file is not one that a store has written.</exception>
    /// <exception cref="IOException">The file cannot be read or written.</exception>
    /// <exception cref="UnauthorizedAccessException">Others may read the file or write to its folder, or the owner may not.</exception>
    public static DeviceStore Open(string folder)
    {
        WholeFile.MakeFolder(folder);
        var path = Path.Combine(Path.GetFullPath(folder), "device.json");
        using var turn = Turn.Take(path);
        RefuseWideRights(folder, UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        // A copy that a killed process has not moved into place would hold all of this device's secrets for ever.
        WholeFile.Sweep(path);
        if (File.Exists(path)) return new DeviceStore(path, Read(path));

        using var identity = AgeIdentity.Generate();
        using var signingKey = SigningKey.Generate();
        var fresh = new Content(Guid.NewGuid(), identity.ExportSecret(), signingKey.ExportSeed(), [], []);
        Write(path, fresh);
        return new DeviceStore(path, fresh);
    }

    /// <summary>The audience that the owner calls so, if there is one.</summary>
    public Guid? FindAudience(string name) => Find(now => now.Audiences.Find(a => a.Name == name))?.Id;

    /// <summary>Remembers how the owner calls an audience.</summary>
    /// <returns>The audience that has the name now: another one when somebody else was faster to give it.</returns>
    public Guid NameAudience(string name, Guid id) =>
        Change(now => now.Audiences.Exists(a => a.Name == name) ? now : now with { Audiences = [.. now.Audiences, new NamedAudience(name, id)] })
        .Audiences.First(a => a.Name == name).Id;

    /// <summary>Forgets an audience that is gone: its name, and the keys of its epochs.</summary>
    public void ForgetAudience(Guid id) =>
        Change(now => now with { Audiences = [.. now.Audiences.Where(a => a.Id != id)], Epochs = [.. now.Epochs.Where(e => e.Audience != id)] });

    /// <summary>The identity of an audience's epoch, once it was received or made.</summary>
    /// <returns>To be disposed by the caller.</returns>
    public AgeIdentity? FindEpoch(Guid audience, int number) => Find(now => now.Epoch(audience, number)) is { } epoch ? AgeIdentity.Parse(epoch.Identity) : null;

    /// <summary>Who this device put into an epoch, and which devices got its key; null when another device began it.</summary>
    public EpochRoll? FindRoll(Guid audience, int number) => Find(now => now.Epoch(audience, number)?.Roll);

    /// <summary>Keeps the identity of an audience's epoch.</summary>
    /// <param name="audience">The audience's id.</param>
    /// <param name="number">The epoch's number, from 1.</param>
    /// <param name="identity">The epoch's identity.</param>
    /// <param name="roll">Who is in it, when this device began it; null leaves what is known of that.</param>
    public void KeepEpoch(Guid audience, int number, AgeIdentity identity, EpochRoll? roll = null)
    {
        var secret = identity.ExportSecret();
        // Who is in it is asked of the newest alone.
        Change(now => now with
        {
            Epochs = [
                .. now.Epochs.Where(e => e.Audience != audience || e.Number != number).Select(e => e.Audience == audience && e.Number < number ? e with { Roll = null } : e),
                new HeldEpoch(audience, number, secret, roll ?? (now.Epoch(audience, number) is { } held && held.Identity == secret ? held.Roll : null))],
        });
    }

    /// <summary>The ticket of a story that this device posted within the last 90 days.</summary>
    public KeptTicket? FindTicket(Guid story) => Find(now => now.Tickets?.Find(t => t.Story == story));

    /// <summary>Keeps what proves a story's erasure later, and forgets what is too old to be proven.</summary>
    /// <param name="ticket">Of a story that this device posted; taking it again changes nothing.</param>
    /// <param name="now">The time by which others are too old.</param>
    public void KeepTicket(KeptTicket ticket, DateTimeOffset now) => Change(before => before with
    {
        Tickets = [.. (before.Tickets ?? []).Where(t => t.Story != ticket.Story && t.ExpiresAt > now - TicketsKeptFor), ticket],
    });

    /// <summary>
    /// Pins the service's key at first sight. An app that ships the key in its configuration calls this with it beforehand.
    /// </summary>
    /// <exception cref="NotGenuineException">Another key was pinned before.</exception>
    public void PinServiceKey(byte[] key)
    {
        if (ServiceKey is null) Change(now => now.ServiceKey is null ? now with { ServiceKey = key } : now);
        if (!ServiceKey.AsSpan().SequenceEqual(key)) throw new NotGenuineException("The service shows another key than the one this device pinned.");
    }

    /// <summary>
    /// Wipes the device's two keys from memory. Epochs' keys, and the two as the file has them, were texts: a string cannot be wiped, and stays in memory until its place is needed.
    /// </summary>
    public void Dispose()
    {
        Identity.Dispose();
        SigningKey.Dispose();
    }

    /// <summary>What is not known here another process, or another store of this one, may have written since.</summary>
    private T? Find<T>(Func<Content, T?> find) where T : class
    {
        if (find(content) is { } known) return known;
        using var turn = Turn.Take(path);
        return find(content = WithoutKeys(Read(path)));
    }

    private Content Change(Func<Content, Content> change)
    {
        using var turn = Turn.Take(path);
        // Another process may have written since; what it wrote must not be lost.
        var changed = change(Read(path));
        Write(path, changed);
        return content = WithoutKeys(changed);
    }

    /// <summary>The two keys live in objects of their own, which can be wiped.</summary>
    private static Content WithoutKeys(Content read)
    {
        CryptographicOperations.ZeroMemory(read.SigningSeed);
        return read with { Identity = "", SigningSeed = [] };
    }

    private static Content Read(string path)
    {
        RefuseWideRights(path, Others);
        var bytes = File.ReadAllBytes(path);
        try
        {
            var read = JsonSerializer.Deserialize<Content>(bytes, StoriesJson.Options);
            if (read is { Identity: { } identity, SigningSeed.Length: 32, Audiences: not null, Epochs: not null } && AgeIdentity.TryParse(identity, out var parsed))
            {
                parsed.Dispose();
                return read;
            }
        }
        catch (JsonException)
        {
            // As bad as one that lacks something; and the parser's message would repeat a part of the file.
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
        throw new InvalidDataException($"{path} is damaged. Move it away to begin anew as another device.");
    }

    private static void Write(string path, Content content)
    {
        var bytes = StoriesJson.Write(content);
        try
        {
            WholeFile.Write(path, bytes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static void RefuseWideRights(string path, UnixFileMode refused)
    {
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & refused) != 0)
            throw new UnauthorizedAccessException($"Others have rights to {path}, which holds this device's keys. Take them away: chmod go= '{path}'");
    }

    private sealed record Content(Guid Device, string Identity, byte[] SigningSeed, List<NamedAudience> Audiences, List<HeldEpoch> Epochs, byte[]? ServiceKey = null, List<KeptTicket>? Tickets = null)
    {
        public HeldEpoch? Epoch(Guid audience, int number) => Epochs.Find(e => e.Audience == audience && e.Number == number);
    }

    private sealed record NamedAudience(string Name, Guid Id);

    private sealed record HeldEpoch(Guid Audience, int Number, string Identity, EpochRoll? Roll = null);
}

/// <summary>Who is in an epoch that this device began.</summary>
/// <param name="Members">Users, as <c>app/user</c>.</param>
/// <param name="Devices">The devices that got the epoch's key, the owner's own among them.</param>
public sealed record EpochRoll(IReadOnlyList<string> Members, IReadOnlyList<Guid> Devices);

/// <summary>What an author's device keeps of a story for after its end.</summary>
/// <param name="Story">Its id.</param>
/// <param name="ExpiresAt">Its end, as the service accepted it.</param>
/// <param name="Ticket">As the service gave it with its acceptance.</param>
public sealed record KeptTicket(Guid Story, DateTimeOffset ExpiresAt, ErasureTicket Ticket);
