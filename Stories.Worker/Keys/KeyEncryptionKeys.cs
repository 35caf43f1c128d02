using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace Stories.Worker.Keys;

/// <summary>
/// The keys that wrap processing keys, kept outside the database: a backup of the database holds nothing that opens an upload.
/// A new one each day, under which whatever still lives is wrapped anew; destroyed after two. So a backup's wrapped keys can
/// be opened for two days at most, even by who has this folder.
/// </summary>
public sealed class KeyEncryptionKeys
{
    public static readonly TimeSpan CurrentFor = TimeSpan.FromHours(24);
    public static readonly TimeSpan Life = TimeSpan.FromHours(48);

    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const string Prefix = "kek-";
    private const string MadeFormat = "yyyyMMddHHmmss";

    private readonly string folder;

    public KeyEncryptionKeys(IOptions<KeyOptions> options)
    {
        folder = options.Value.Folder;
        KeyFiles.CreateFolder(folder);
    }

    /// <summary>The name of the key that wraps now; made when the newest is a day old. Call it under the ring's lock: one maker at a time.</summary>
    public string Current(DateTimeOffset now)
    {
        var newest = Directory.EnumerateFiles(folder, Prefix + "*").Select(Path.GetFileName).Where(f => !f!.Contains('.')).Max(StringComparer.Ordinal);
        if (newest is not null && MadeAt(newest) is { } made && now < made + CurrentFor) return newest[Prefix.Length..];
        var name = now.UtcDateTime.ToString(MadeFormat, CultureInfo.InvariantCulture);
        var key = RandomNumberGenerator.GetBytes(KeyBytes);
        KeyFiles.CreateIfMissing(FileOf(name), key);
        CryptographicOperations.ZeroMemory(key);
        return name;
    }

    /// <param name="key">As <see cref="Current"/> names it.</param>
    /// <param name="secret">What is wrapped.</param>
    /// <param name="about">Bound into the encryption, so that one row's secret cannot stand in for another's.</param>
    public byte[] Wrap(string key, ReadOnlySpan<byte> secret, Guid about)
    {
        var wrapped = new byte[NonceBytes + secret.Length + TagBytes];
        RandomNumberGenerator.Fill(wrapped.AsSpan(0, NonceBytes));
        using var aes = Open(key);
        aes.Encrypt(wrapped.AsSpan(0, NonceBytes), secret, wrapped.AsSpan(NonceBytes, secret.Length), wrapped.AsSpan(NonceBytes + secret.Length), about.ToByteArray());
        return wrapped;
    }

    /// <returns>Null when the key has been destroyed.</returns>
    public byte[]? Unwrap(string key, ReadOnlySpan<byte> wrapped, Guid about)
    {
        if (!File.Exists(FileOf(key))) return null;
        var secret = new byte[wrapped.Length - NonceBytes - TagBytes];
        using var aes = Open(key);
        aes.Decrypt(wrapped[..NonceBytes], wrapped[NonceBytes..^TagBytes], wrapped[^TagBytes..], secret, about.ToByteArray());
        return secret;
    }

    /// <summary>Deletes keys past their life, and what a maker that was killed left beside them.</summary>
    public void DestroyOld(DateTimeOffset now)
    {
        foreach (var (path, end) in FindAll())
            if (now >= end) File.Delete(path);
    }

    /// <summary>Each file, what killed makers left included, and when it is to be destroyed.</summary>
    public IEnumerable<(string Path, DateTimeOffset DestroyAt)> FindAll()
    {
        foreach (var path in Directory.EnumerateFiles(folder, Prefix + "*"))
            if (MadeAt(Path.GetFileName(path)) is { } made) yield return (path, made + Life);
    }

    private static DateTimeOffset? MadeAt(string file) =>
        DateTimeOffset.TryParseExact(
            file[Prefix.Length..].Split('.')[0], MadeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var made) ? made : null;

    private AesGcm Open(string key)
    {
        var bytes = KeyFiles.Read(FileOf(key));
        try
        {
            return new AesGcm(bytes, TagBytes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private string FileOf(string name) => Path.Combine(folder, Prefix + name);
}
