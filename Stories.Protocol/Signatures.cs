using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;

namespace Stories.Protocol;

/// <summary>
/// What a signature is about. Each purpose has a line of its own in front of the signed bytes, so that a signature on one
/// kind of record is never one on another.
/// </summary>
public static class SignaturePurpose
{
    public const string StoryManifest = "stories/story-manifest/v1";
    public const string RenditionManifest = "stories/rendition-manifest/v1";
    public const string ProcessingKey = "stories/processing-key/v1";
    public const string ErasureRecord = "stories/erasure-record/v1";
    public const string Catalog = "stories/catalog/v1";
    public const string Offer = "stories/offer/v1";
}

/// <summary>Ed25519 (RFC 8032) over <c>purpose LF bytes</c>.</summary>
public static class Signatures
{
    public const int PublicKeyBytes = 32;
    public const int SignatureBytes = 64;

    public static bool Verify(ReadOnlySpan<byte> publicKey, string purpose, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature) =>
        publicKey.Length == PublicKeyBytes && signature.Length == SignatureBytes &&
        PublicKey.TryImport(SignatureAlgorithm.Ed25519, publicKey, KeyBlobFormat.RawPublicKey, out var key) &&
        SignatureAlgorithm.Ed25519.Verify(key!, Message(purpose, bytes), signature);

    internal static byte[] Message(string purpose, ReadOnlySpan<byte> bytes) =>
        [.. Encoding.ASCII.GetBytes(purpose), (byte)'\n', .. bytes];
}

/// <summary>An Ed25519 private key: a device's, or the service's.</summary>
public sealed class SigningKey : IDisposable
{
    private readonly Key key;

    private SigningKey(Key key) => this.key = key;

    /// <summary>32 bytes.</summary>
    public byte[] PublicKey => key.PublicKey.Export(KeyBlobFormat.RawPublicKey);

    /// <summary>A short name of the public key, for looking it up: the first 8 bytes of its SHA-256, in hex.</summary>
    public string Id => IdOf(PublicKey);

    public static string IdOf(ReadOnlySpan<byte> publicKey) => Convert.ToHexStringLower(SHA256.HashData(publicKey).AsSpan(0, 8));

    public static SigningKey Generate() =>
        new(Key.Create(SignatureAlgorithm.Ed25519, new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport }));

    /// <param name="seed">The 32-byte seed of RFC 8032.</param>
    public static SigningKey FromSeed(ReadOnlySpan<byte> seed) =>
        new(Key.Import(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey,
            new KeyCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport }));

    public byte[] ExportSeed() => key.Export(KeyBlobFormat.RawPrivateKey);

    public byte[] Sign(string purpose, ReadOnlySpan<byte> bytes) => SignatureAlgorithm.Ed25519.Sign(key, Signatures.Message(purpose, bytes));

    public void Dispose() => key.Dispose();
}
