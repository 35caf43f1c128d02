using System.Security.Cryptography;
using NSec.Cryptography;

namespace Stories.Age;

/// <summary>C2SP age, "The X25519 recipient type".</summary>
internal static class X25519Stanza
{
    public const string Type = "X25519";
    public const int TagBytes = 16;
    public const int BodyBytes = AgeHeader.FileKeyBytes + TagBytes;

    private static ReadOnlySpan<byte> Info => "age-encryption.org/v1/X25519"u8;

    public static ReadOnlySpan<byte> ZeroNonce => "\0\0\0\0\0\0\0\0\0\0\0\0"u8;

    /// <summary>
    /// The length is checked before anything is opened, or a stanza could be made that opens under many keys and tells an
    /// attacker which of them is ours.
    /// </summary>
    public static (byte[] Share, byte[] Body) Read(Stanza stanza)
    {
        if (stanza.Arguments.Count != 2) throw new AgeException(AgeFailure.Header, "An X25519 stanza has exactly one argument.");
        if (Base64.Decode(stanza.Arguments[1]) is not { Length: AgeRecipient.KeyBytes } share) throw new AgeException(AgeFailure.Header, "An X25519 stanza's share has 32 bytes.");
        if (stanza.Body.Length != BodyBytes) throw new AgeException(AgeFailure.Header, "An X25519 stanza's body has 32 bytes.");
        return (share, stanza.Body);
    }

    /// <returns>False when the two keys agree on nothing: one is a low-order point.</returns>
    public static bool TryWrapKey(Key own, PublicKey other, ReadOnlySpan<byte> share, ReadOnlySpan<byte> recipient, Span<byte> wrapKey)
    {
        using var shared = KeyAgreementAlgorithm.X25519.Agree(own, other);
        if (shared is null) return false;
        Span<byte> salt = stackalloc byte[2 * AgeRecipient.KeyBytes];
        share.CopyTo(salt);
        recipient.CopyTo(salt[AgeRecipient.KeyBytes..]);
        KeyDerivationAlgorithm.HkdfSha256.DeriveBytes(shared, salt, Info, wrapKey);
        return true;
    }
}
