using System.Security.Cryptography;

namespace Stories.Age;

/// <summary>Whole age files, from stream to stream or in memory (C2SP age v1, binary form; no armor).</summary>
public static class AgeFile
{
    /// <summary>Encrypts a stream in bounded memory.</summary>
    /// <param name="plaintext">Read to its end; stays open.</param>
    /// <param name="ciphertext">Receives the age file; stays open.</param>
    /// <param name="recipients">At least one; each can open the file alone.</param>
    /// <param name="cancellationToken">Ends the work and leaves an unusable file.</param>
    public static async Task EncryptAsync(
        Stream plaintext, Stream ciphertext, IReadOnlyList<AgeRecipient> recipients, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plaintext);
        using var encrypt = new AgeEncryptStream(ciphertext, recipients);
        await plaintext.CopyToAsync(encrypt, Payload.ChunkBytes, cancellationToken).ConfigureAwait(false);
        await encrypt.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Decrypts a stream in bounded memory. Plaintext is written chunk by chunk, before the end is verified.</summary>
    /// <param name="ciphertext">An age file; stays open.</param>
    /// <param name="plaintext">Receives the plaintext; worth nothing when an exception follows.</param>
    /// <param name="identities">Any of them may open the file.</param>
    /// <param name="limits">Of the header; null means <see cref="AgeLimits.Default"/>.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="AgeException">The file cannot be opened, was changed or was cut.</exception>
    public static async Task DecryptAsync(
        Stream ciphertext, Stream plaintext, IReadOnlyList<AgeIdentity> identities, AgeLimits? limits = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plaintext);
        using var decrypt = await AgeDecryptStream.OpenAsync(ciphertext, identities, limits, cancellationToken).ConfigureAwait(false);
        await decrypt.CopyToAsync(plaintext, Payload.ChunkBytes, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Encrypts bytes in memory.</summary>
    /// <param name="plaintext">Any length.</param>
    /// <param name="recipients">At least one.</param>
    /// <returns>An age file of <see cref="CiphertextLength"/> bytes.</returns>
    public static byte[] Encrypt(ReadOnlySpan<byte> plaintext, params IReadOnlyList<AgeRecipient> recipients)
    {
        using var ciphertext = new MemoryStream();
        using var encrypt = new AgeEncryptStream(ciphertext, recipients);
        // Both ends are memory: nothing of this ever waits.
        encrypt.Write(plaintext);
        encrypt.CompleteAsync().AsTask().GetAwaiter().GetResult();
        return ciphertext.ToArray();
    }

    /// <summary>Decrypts bytes in memory; nothing is returned unless the whole file is genuine, and the array returned is the only copy left.</summary>
    /// <param name="ciphertext">An age file.</param>
    /// <param name="identity">Whose stanza the file must have.</param>
    /// <param name="limits">Of the header; null means <see cref="AgeLimits.Default"/>.</param>
    /// <exception cref="AgeException">The file cannot be opened, was changed or was cut.</exception>
    public static byte[] Decrypt(ReadOnlySpan<byte> ciphertext, AgeIdentity identity, AgeLimits? limits = null)
    {
        using var source = new MemoryStream(ciphertext.ToArray(), writable: false);
        // Large enough from the start: one that grows leaves copies behind.
        using var plaintext = new MemoryStream(ciphertext.Length);
        try
        {
            DecryptAsync(source, plaintext, [identity], limits).GetAwaiter().GetResult();
            return plaintext.ToArray();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext.GetBuffer());
        }
    }

    /// <summary>How long the age file of a plaintext is that is encrypted to X25519 recipients only.</summary>
    /// <param name="plaintextLength">Bytes, not negative.</param>
    /// <param name="recipients">How many, at least one.</param>
    /// <returns>70 bytes of header and 98 per recipient, 16 of nonce, and 16 for each chunk of 64 KiB.</returns>
    public static long CiphertextLength(long plaintextLength, int recipients)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(plaintextLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(recipients, 1);
        var chunks = Math.Max(1, (plaintextLength + Payload.ChunkBytes - 1) / Payload.ChunkBytes);
        return 70 + 98L * recipients + Payload.NonceBytes + plaintextLength + Payload.TagBytes * chunks;
    }
}
