using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Stories.Age;

/// <summary>C2SP age, "Payload": 64 KiB chunks, each with a tag, numbered, the last one marked.</summary>
internal sealed class Payload : IDisposable
{
    public const int NonceBytes = 16;
    public const int ChunkBytes = 64 * 1024;
    public const int TagBytes = 16;
    public const int SealedChunkBytes = ChunkBytes + TagBytes;
    private const int KeyBytes = 32;

    private readonly ChaCha20Poly1305 aead;

    public Payload(ReadOnlySpan<byte> fileKey, ReadOnlySpan<byte> nonce)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, fileKey, key, nonce, "payload"u8);
        aead = new ChaCha20Poly1305(key);
        CryptographicOperations.ZeroMemory(key);
    }

    public void Seal(long number, bool isLast, ReadOnlySpan<byte> plain, Span<byte> sealedChunk)
    {
        Span<byte> nonce = stackalloc byte[12];
        Nonce(nonce, number, isLast);
        aead.Encrypt(nonce, plain, sealedChunk[..plain.Length], sealedChunk.Slice(plain.Length, TagBytes));
    }

    public bool TryOpen(long number, bool isLast, ReadOnlySpan<byte> sealedChunk, Span<byte> plain)
    {
        Span<byte> nonce = stackalloc byte[12];
        Nonce(nonce, number, isLast);
        try
        {
            aead.Decrypt(nonce, sealedChunk[..^TagBytes], sealedChunk[^TagBytes..], plain[..(sealedChunk.Length - TagBytes)]);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => aead.Dispose();

    /// <summary>11 bytes of counter, big-endian, then whether it is the last.</summary>
    private static void Nonce(Span<byte> nonce, long number, bool isLast)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64BigEndian(nonce[3..], number);
        nonce[11] = isLast ? (byte)1 : (byte)0;
    }
}
