using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Stories.Core.Erasure;

namespace Stories.Core.Blobs;

/// <summary>
/// Wraps what the database holds of a story under its bucket's key, which exists only as a blob in the bucket's container.
/// When the container goes, every copy of those rows in logs, replicas and backups of the database becomes unreadable.
/// </summary>
public sealed class BucketKeys(BucketBlobs blobs, TimeProvider clock)
{
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly ConcurrentDictionary<string, (byte[] Key, DateTimeOffset EndsAt)> cache = new();

    /// <summary>Creates container and key when they are missing.</summary>
    public async Task CreateAsync(Bucket bucket, CancellationToken cancellationToken)
    {
        var key = RandomNumberGenerator.GetBytes(KeyBytes);
        await blobs.CreateContainerAsync(bucket, key, cancellationToken);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <returns>Null when the bucket has ended or is gone.</returns>
    public async ValueTask<BucketKey?> FindAsync(string container, DateTimeOffset endsAt, CancellationToken cancellationToken)
    {
        if (endsAt <= clock.GetUtcNow())
        {
            Forget(container);
            return null;
        }
        if (cache.TryGetValue(container, out var cached)) return new BucketKey(cached.Key);
        var key = await blobs.ReadKeyAsync(container, cancellationToken);
        if (key is null) return null;
        ForgetEnded();
        cache[container] = (key, endsAt);
        return new BucketKey(key);
    }

    public void Forget(string container)
    {
        if (cache.TryRemove(container, out var entry)) CryptographicOperations.ZeroMemory(entry.Key);
    }

    /// <summary>Bucket keys are forgotten when their bucket ends, also by a host that never hears of its erasure.</summary>
    public void ForgetEnded()
    {
        var now = clock.GetUtcNow();
        foreach (var (container, entry) in cache)
            if (entry.EndsAt <= now) Forget(container);
    }

    /// <summary>AES-256-GCM with a random nonce in front; the story and the field are authenticated with it.</summary>
    public readonly struct BucketKey(byte[] key)
    {
        public byte[] Wrap(Guid story, string field, ReadOnlySpan<byte> plain)
        {
            var wrapped = new byte[NonceBytes + plain.Length + TagBytes];
            RandomNumberGenerator.Fill(wrapped.AsSpan(0, NonceBytes));
            using var aes = new AesGcm(key, TagBytes);
            aes.Encrypt(wrapped.AsSpan(0, NonceBytes), plain, wrapped.AsSpan(NonceBytes, plain.Length), wrapped.AsSpan(NonceBytes + plain.Length), Context(story, field));
            return wrapped;
        }

        public byte[] Unwrap(Guid story, string field, ReadOnlySpan<byte> wrapped)
        {
            var plain = new byte[wrapped.Length - NonceBytes - TagBytes];
            using var aes = new AesGcm(key, TagBytes);
            aes.Decrypt(wrapped[..NonceBytes], wrapped[NonceBytes..^TagBytes], wrapped[^TagBytes..], plain, Context(story, field));
            return plain;
        }

        private static byte[] Context(Guid story, string field) => Encoding.ASCII.GetBytes($"{story:N}/{field}");
    }
}

/// <summary>Names of the wrapped fields, bound into their encryption so that one cannot stand in for another.</summary>
public static class SealedField
{
    public const string KeyEnvelope = "keyEnvelope";
    public const string Payload = "payload";
    public const string RenditionManifest = "renditionManifest";
    public const string Unfinished = "unfinished";
}
