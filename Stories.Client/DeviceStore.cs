using System.Security.Cryptography;
using System.Text.Json;
using Stories.Age;
using Stories.Protocol;

namespace Stories.Client;

/// <summary>
/// A device's secrets in one file that only its owner may read: its age identity and signing key, the keys of its audiences'
/// epochs, what these audiences are called (the service never learns that), the service's pinned key, and the tickets of what it
/// posted. Safe for use by several threads and several processes: each change reads the file again, and replaces it whole.
/// </summary>
public sealed class DeviceStore : IDisposable
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>As long as a service keeps its erasure records.</summary>
    private static readonly TimeSpan TicketsKeptFor = TimeSpan.FromDays(90);

    private readonly string path;
    private Content content;

    private DeviceStore(string path, Content content)
    {
        this.path = path;
        this.content = content;
        Identity = AgeIdentity.Parse(content.Identity);
        SigningKey = SigningKey.FromSeed(content.SigningSeed);
    }

    /// <summary>The device's id, chosen by itself.</summary>
    public Guid Id => content.Device;

    /// <summary>Opens the envelopes that are addressed to this device.</summary>
    public AgeIdentity Identity { get; }

    /// <summary>Signs what this device posts.</summary>
    public SigningKey SigningKey { get; }

    /// <summary>Signs offers of the advertiser whose this device is. Made from the device's secret, and not to be linked with what it posts.</summary>
    /// <returns>To be disposed by the caller.</returns>
    public SigningKey OpenOfferKey() =>
        SigningKey.FromSeed(HKDF.DeriveKey(HashAlgorithmName.SHA256, content.SigningSeed, 32, info: "stories/offer-key/v1"u8.ToArray()));

    /// <summary>Names of the owner's audiences.</summary>
    public IReadOnlyList<string> AudienceNames => [.. content.Audiences.Select(a => a.Name)];

    /// <summary>The pinned service key, 32 bytes; null before the first contact.</summary>
    public byte[]? ServiceKey => content.ServiceKey;

    /// <summary>Of what this device posted within the last 90 days, oldest first.</summary>
    public IReadOnlyList<KeptTicket> Tickets => content.Tickets ?? [];

    /// <summary>Reads the store of a folder, or begins one with fresh keys.</summary>
    /// <param name="folder">Made with rights for its owner only when it is missing.</param>
    /// <exception cref="InvalidDataException">The file is not one that a store has written.</exception>
    /// <exception cref="UnauthorizedAccessException">Others may read the file or write to its folder, or the owner may not.</exception>
    public static DeviceStore Open(string folder)
    {
        WholeFile.MakeFolder(folder);
        var path = Path.Combine(Path.GetFullPath(folder), "device.json");
        using var turn = Turn.Take(path);
        RefuseWideRights(folder, UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        if (File.Exists(path)) return new DeviceStore(path, Read(path));

        using var identity = AgeIdentity.Generate();
        using var signingKey = SigningKey.Generate();
        var fresh = new Content(Guid.NewGuid(), identity.ExportSecret(), signingKey.ExportSeed(), [], []);
        Write(path, fresh);
        return new DeviceStore(path, fresh);
    }

    /// <summary>The audience that the owner calls so, if there is one.</summary>
    public Guid? FindAudience(string name) => content.Audiences.FirstOrDefault(a => a.Name == name)?.Id;

    /// <summary>Remembers how the owner calls an audience.</summary>
    /// <returns>The audience that has the name now: another one when somebody else was faster to give it.</returns>
    public Guid NameAudience(string name, Guid id)
    {
        Change(now => now.Audiences.Exists(a => a.Name == name) ? now : now with { Audiences = [.. now.Audiences, new NamedAudience(name, id)] });
        return FindAudience(name)!.Value;
    }

    /// <summary>Forgets an audience that is gone: its name, and the keys of its epochs.</summary>
    public void ForgetAudience(Guid id) =>
        Change(now => now with { Audiences = [.. now.Audiences.Where(a => a.Id != id)], Epochs = [.. now.Epochs.Where(e => e.Audience != id)] });

    /// <summary>The identity of an audience's epoch, once it was received or made.</summary>
    public AgeIdentity? FindEpoch(Guid audience, int number) => Find(audience, number) is { } epoch ? AgeIdentity.Parse(epoch.Identity) : null;

    /// <summary>Who this device put into an epoch, and which devices got its key; null when another device began it.</summary>
    public EpochRoll? FindRoll(Guid audience, int number) => Find(audience, number)?.Roll;

    /// <summary>Keeps the identity of an audience's epoch.</summary>
    /// <param name="audience">The audience's id.</param>
    /// <param name="number">The epoch's number, from 1.</param>
    /// <param name="identity">The epoch's identity.</param>
    /// <param name="roll">Who is in it, when this device began it.</param>
    public void KeepEpoch(Guid audience, int number, AgeIdentity identity, EpochRoll? roll = null)
    {
        var kept = new HeldEpoch(audience, number, identity.ExportSecret(), roll);
        // Who is in it is asked of the newest alone.
        Change(now => now with { Epochs = [.. now.Epochs.Where(e => e.Audience != audience || e.Number != number).Select(e => e.Audience == audience && e.Number < number ? e with { Roll = null } : e), kept] });
    }

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

    /// <summary>Wipes the device's keys from memory.</summary>
    public void Dispose()
    {
        Identity.Dispose();
        SigningKey.Dispose();
    }

    private HeldEpoch? Find(Guid audience, int number) => content.Epochs.FirstOrDefault(e => e.Audience == audience && e.Number == number);

    private void Change(Func<Content, Content> change)
    {
        using var turn = Turn.Take(path);
        // Another process may have written since; what it wrote must not be lost.
        var changed = change(Read(path));
        Write(path, changed);
        content = changed;
    }

    private static Content Read(string path)
    {
        RefuseWideRights(path, Others);
        try
        {
            var read = JsonSerializer.Deserialize<Content>(File.ReadAllBytes(path), StoriesJson.Options);
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
        throw new InvalidDataException($"{path} is damaged. Move it away to begin anew as another device.");
    }

    private static void Write(string path, Content content)
    {
        var bytes = StoriesJson.Write(content);
        WholeFile.Write(path, bytes);
        CryptographicOperations.ZeroMemory(bytes);
    }

    private static void RefuseWideRights(string path, UnixFileMode refused)
    {
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & refused) != 0)
            throw new UnauthorizedAccessException($"Others have rights to {path}, which holds this device's keys. Take them away: chmod go= '{path}'");
    }

    private sealed record Content(Guid Device, string Identity, byte[] SigningSeed, List<NamedAudience> Audiences, List<HeldEpoch> Epochs, byte[]? ServiceKey = null, List<KeptTicket>? Tickets = null);

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
