using System.Text.Json;
using Stories.Age;
using Stories.Protocol;

namespace Stories.Client;

/// <summary>
/// A device's secrets in one file that only its owner may read: its age identity and signing key, the keys of its audiences'
/// epochs, what these audiences are called (the service never learns that), and the service's pinned key.
/// </summary>
public sealed class DeviceStore : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string path;
    private readonly Content content;

    private DeviceStore(string path, Content content, AgeIdentity identity, SigningKey signingKey)
    {
        this.path = path;
        this.content = content;
        Identity = identity;
        SigningKey = signingKey;
    }

    /// <summary>The device's id, chosen by itself.</summary>
    public Guid Id => content.Device;

    /// <summary>Opens the envelopes that are addressed to this device.</summary>
    public AgeIdentity Identity { get; }

    /// <summary>Signs what this device posts.</summary>
    public SigningKey SigningKey { get; }

    /// <summary>Reads the store of a folder, or begins one with fresh keys.</summary>
    /// <param name="folder">Made with owner-only rights when it is missing.</param>
    public static DeviceStore Open(string folder)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        var path = Path.Combine(folder, "device.json");
        if (File.Exists(path))
        {
            var read = JsonSerializer.Deserialize<Content>(File.ReadAllBytes(path), StoriesJson.Options) ?? throw new InvalidDataException("The device file is empty.");
            return new DeviceStore(path, read, AgeIdentity.Parse(read.Identity), SigningKey.FromSeed(read.SigningSeed));
        }
        var identity = AgeIdentity.Generate();
        var signingKey = SigningKey.Generate();
        var store = new DeviceStore(path, new Content(Guid.NewGuid(), identity.ExportSecret(), signingKey.ExportSeed(), [], []), identity, signingKey);
        store.Save();
        return store;
    }

    /// <summary>The audience that the owner calls so, if there is one.</summary>
    public Guid? FindAudience(string name) => content.Audiences.FirstOrDefault(a => a.Name == name)?.Id;

    /// <summary>Names of the owner's audiences.</summary>
    public IReadOnlyList<string> AudienceNames => [.. content.Audiences.Select(a => a.Name)];

    /// <summary>Remembers how the owner calls an audience.</summary>
    public void NameAudience(string name, Guid id)
    {
        content.Audiences.RemoveAll(a => a.Name == name);
        content.Audiences.Add(new NamedAudience(name, id));
        Save();
    }

    /// <summary>The identity of an audience's epoch, once it was received or made.</summary>
    public AgeIdentity? FindEpoch(Guid audience, int number) =>
        content.Epochs.FirstOrDefault(e => e.Audience == audience && e.Number == number) is { } epoch ? AgeIdentity.Parse(epoch.Identity) : null;

    /// <summary>Keeps the identity of an audience's epoch.</summary>
    public void KeepEpoch(Guid audience, int number, AgeIdentity identity)
    {
        content.Epochs.RemoveAll(e => e.Audience == audience && e.Number == number);
        content.Epochs.Add(new HeldEpoch(audience, number, identity.ExportSecret()));
        Save();
    }

    /// <summary>
    /// Pins the service's key at first sight. An app that ships the key in its configuration calls this with it beforehand.
    /// </summary>
    /// <exception cref="NotGenuineException">Another key was pinned before.</exception>
    public void PinServiceKey(byte[] key)
    {
        if (content.ServiceKey is { } pinned)
        {
            if (!pinned.AsSpan().SequenceEqual(key)) throw new NotGenuineException("The service shows another key than the one this device pinned.");
            return;
        }
        content.ServiceKey = key;
        Save();
    }

    /// <summary>The pinned service key, 32 bytes; null before the first contact.</summary>
    public byte[]? ServiceKey => content.ServiceKey;

    /// <summary>Wipes the keys from memory.</summary>
    public void Dispose()
    {
        Identity.Dispose();
        SigningKey.Dispose();
    }

    /// <summary>Writes aside and moves into place: a crash leaves the old file or the new one.</summary>
    private void Save()
    {
        var aside = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using (var file = new FileStream(aside, options)) file.Write(StoriesJson.Write(content));
        File.Move(aside, path, overwrite: true);
    }

    private sealed record Content(Guid Device, string Identity, byte[] SigningSeed, List<NamedAudience> Audiences, List<HeldEpoch> Epochs)
    {
        public byte[]? ServiceKey { get; set; }
    }

    private sealed record NamedAudience(string Name, Guid Id);

    private sealed record HeldEpoch(Guid Audience, int Number, string Identity);
}
