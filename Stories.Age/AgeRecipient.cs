using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using NSec.Cryptography;
using ChaCha20Poly1305 = System.Security.Cryptography.ChaCha20Poly1305;

namespace Stories.Age;

/// <summary>An X25519 public key to which files are encrypted, written <c>age1…</c> (C2SP age, "The X25519 recipient type").</summary>
public sealed class AgeRecipient : IEquatable<AgeRecipient>
{
    internal const int KeyBytes = 32;
    private const string Prefix = "age";

    private readonly byte[] point;
    private readonly PublicKey key;

    internal AgeRecipient(byte[] point, PublicKey key)
    {
        this.point = point;
        this.key = key;
    }

    internal ReadOnlySpan<byte> Point => point;

    /// <summary>Reads a recipient.</summary>
    /// <param name="text">62 characters of bech32, all lower or all upper case.</param>
    /// <exception cref="FormatException">The text is not an X25519 recipient.</exception>
    public static AgeRecipient Parse(string text) =>
        TryParse(text, out var recipient) ? recipient : throw new FormatException("Not an age X25519 recipient (age1…).");

    /// <summary>Reads a recipient.</summary>
    /// <param name="text">62 characters of bech32, all lower or all upper case.</param>
    /// <param name="recipient">The recipient, when the answer is true.</param>
    /// <returns>False when the text is not an X25519 recipient.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out AgeRecipient? recipient)
    {
        recipient = null;
        if (text is null || Bech32.Decode(Prefix, text) is not { Length: KeyBytes } point) return false;
        if (!PublicKey.TryImport(KeyAgreementAlgorithm.X25519, point, KeyBlobFormat.RawPublicKey, out var key) || !AgreesOnSomething(key!)) return false;
        recipient = new AgeRecipient(point, key!);
        return true;
    }

    /// <summary>The recipient in lower-case bech32.</summary>
    public override string ToString() => Bech32.Encode(Prefix, point);

    /// <inheritdoc/>
    public bool Equals(AgeRecipient? other) => other is not null && point.AsSpan().SequenceEqual(other.point);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AgeRecipient);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(point, 0);

    /// <summary>False for the few points of low order, with which everybody would agree on zero (RFC 7748, section 6.1): nothing can be encrypted to them.</summary>
    private static bool AgreesOnSomething(PublicKey key)
    {
        using var anybody = Key.Create(KeyAgreementAlgorithm.X25519);
        using var shared = KeyAgreementAlgorithm.X25519.Agree(anybody, key);
        return shared is not null;
    }

    /// <summary>A stanza that gives the file key to this recipient, by a fresh share of its own.</summary>
    internal Stanza Wrap(ReadOnlySpan<byte> fileKey)
    {
        using var ephemeral = Key.Create(KeyAgreementAlgorithm.X25519);
        var share = ephemeral.PublicKey.Export(KeyBlobFormat.RawPublicKey);
        Span<byte> wrapKey = stackalloc byte[KeyBytes];
        if (!X25519Stanza.TryWrapKey(ephemeral, key, share, point, wrapKey)) throw new CryptographicException("The recipient is a low-order point.");
        var body = new byte[fileKey.Length + X25519Stanza.TagBytes];
        using var aead = new ChaCha20Poly1305(wrapKey);
        aead.Encrypt(X25519Stanza.ZeroNonce, fileKey, body.AsSpan(..fileKey.Length), body.AsSpan(fileKey.Length..));
        CryptographicOperations.ZeroMemory(wrapKey);
        return new Stanza([X25519Stanza.Type, Base64.Encode(share)], body);
    }
}
