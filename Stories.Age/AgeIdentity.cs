using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using NSec.Cryptography;

namespace Stories.Age;

/// <summary>
/// An X25519 private key that opens files, written <c>AGE-SECRET-KEY-1…</c>. It lives in locked memory until it is disposed.
/// </summary>
public sealed class AgeIdentity : IDisposable
{
    private const string Prefix = "age-secret-key-";

    private readonly Key key;

    private AgeIdentity(Key key)
    {
        this.key = key;
        Recipient = new AgeRecipient(key.PublicKey.Export(KeyBlobFormat.RawPublicKey), key.PublicKey);
    }

    /// <summary>The public half.</summary>
    public AgeRecipient Recipient { get; }

    /// <summary>Makes a new identity from the system's random numbers.</summary>
    public static AgeIdentity Generate() => new(Key.Create(KeyAgreementAlgorithm.X25519, Exportable));

    /// <summary>Reads an identity.</summary>
    /// <param name="text">74 characters of bech32, all upper or all lower case.</param>
    /// <exception cref="FormatException">The text is not an X25519 identity. The message does not repeat it.</exception>
    public static AgeIdentity Parse(string text) =>
        TryParse(text, out var identity) ? identity : throw new FormatException("Not an age X25519 identity (AGE-SECRET-KEY-1…).");

    /// <summary>Reads an identity.</summary>
    /// <param name="text">74 characters of bech32, all upper or all lower case.</param>
    /// <param name="identity">The identity, when the answer is true.</param>
    /// <returns>False when the text is not an X25519 identity.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out AgeIdentity? identity)
    {
        identity = null;
        if (text is null || Bech32.Decode(Prefix, text) is not { Length: AgeRecipient.KeyBytes } scalar) return false;
        identity = new AgeIdentity(Key.Import(KeyAgreementAlgorithm.X25519, scalar, KeyBlobFormat.RawPrivateKey, Exportable));
        CryptographicOperations.ZeroMemory(scalar);
        return true;
    }

    /// <summary>The secret itself, for storing it: 74 upper-case characters. A string cannot be wiped, and stays in memory until its place is needed.</summary>
    public string ExportSecret()
    {
        var scalar = key.Export(KeyBlobFormat.RawPrivateKey);
        var text = Bech32.Encode(Prefix, scalar).ToUpperInvariant();
        CryptographicOperations.ZeroMemory(scalar);
        return text;
    }

    /// <summary>The public half: a secret is never shown by accident.</summary>
    public override string ToString() => $"identity of {Recipient}";

    /// <summary>Wipes the key.</summary>
    public void Dispose() => key.Dispose();

    /// <returns>Null when the stanza is not for this identity.</returns>
    /// <exception cref="AgeException">The stanza is an X25519 stanza that breaks the format.</exception>
    internal byte[]? Unwrap(Stanza stanza)
    {
        var (share, body) = X25519Stanza.Read(stanza);
        Span<byte> wrapKey = stackalloc byte[AgeRecipient.KeyBytes];
        if (!PublicKey.TryImport(KeyAgreementAlgorithm.X25519, share, KeyBlobFormat.RawPublicKey, out var sender) ||
            !X25519Stanza.TryWrapKey(key, sender!, share, Recipient.Point, wrapKey))
            throw new AgeException(AgeFailure.Header, "An X25519 stanza's share is a low-order point.");

        // NSec answers false for a wrong key; the base library would throw, which costs much more in a trial.
        using var wrap = Key.Import(AeadAlgorithm.ChaCha20Poly1305, wrapKey, KeyBlobFormat.RawSymmetricKey);
        CryptographicOperations.ZeroMemory(wrapKey);
        return AeadAlgorithm.ChaCha20Poly1305.Decrypt(wrap, X25519Stanza.ZeroNonce, [], body);
    }

    private static KeyCreationParameters Exportable => new() { ExportPolicy = KeyExportPolicies.AllowPlaintextExport };
}
