namespace Stories.Core.Keys;

/// <summary>
/// A key to which uploads are encrypted. Its private half is here only wrapped under a key-encryption key that is kept
/// outside the database, and the row goes when no upload that names it can still be waiting.
/// </summary>
public sealed class ProcessingKey
{
    /// <summary>A new key this often.</summary>
    public static readonly TimeSpan Rotation = TimeSpan.FromHours(6);

    /// <summary>Uploads may name it this long: an hour's overlap for clients that hold an older list.</summary>
    public static readonly TimeSpan NamedFor = TimeSpan.FromHours(7);

    /// <summary>7 h of naming + 24 h of an upload's life + 2 h of retries.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(33);

    private ProcessingKey() { }

    public Guid Id { get; private set; }
    public string Recipient { get; private set; } = "";
    public DateTimeOffset MadeAt { get; private set; }
    public DateTimeOffset NotAfter { get; private set; }
    public DateTimeOffset DestroyAt { get; private set; }
    public string WrappedBy { get; private set; } = "";
    public byte[] Wrapped { get; private set; } = [];

    /// <summary>The signed list entry: canonical bytes, the service's signature, the service key's id.</summary>
    public byte[] Entry { get; private set; } = [];
    public byte[] EntrySignature { get; private set; } = [];
    public string EntryKey { get; private set; } = "";

    public static ProcessingKey Make(
        Guid id, string recipient, string wrappedBy, byte[] wrapped, byte[] entry, byte[] entrySignature, string entryKey, DateTimeOffset now) => new()
        {
            Id = id,
            Recipient = recipient,
            MadeAt = now,
            NotAfter = now + NamedFor,
            DestroyAt = now + Life,
            WrappedBy = wrappedBy,
            Wrapped = wrapped,
            Entry = entry,
            EntrySignature = entrySignature,
            EntryKey = entryKey,
        };

    public bool MayBeNamed(DateTimeOffset now) => now < NotAfter;

    /// <summary>Under a younger key-encryption key, so that the older one can be destroyed.</summary>
    public void Rewrap(string wrappedBy, byte[] wrapped) => (WrappedBy, Wrapped) = (wrappedBy, wrapped);
}

/// <summary>The public half of a key with which the service signs.</summary>
public sealed class ServiceKey
{
    private ServiceKey() { }

    public string Id { get; private set; } = "";
    public byte[] PublicKey { get; private set; } = [];
    public DateTimeOffset MadeAt { get; private set; }

    public static ServiceKey Publish(string id, byte[] publicKey, DateTimeOffset now) => new() { Id = id, PublicKey = publicKey, MadeAt = now };
}
