using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace Stories.Worker.Keys;

/// <summary>
/// The keys that wrap processing keys, kept outside the database: a backup of the database holds nothing that opens an upload.
/// A new one each day; destroyed after two, when all that it wrapped has been destroyed too.
/// </summary>
public sealed class KeyEncryptionKeys
{
    public static readonly TimeSpan Life = TimeSpan.FromHours(48);

    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const string Prefix = "kek-";
    private const string DayFormat = "yyyyMMdd";

    private readonly string folder;

    public KeyEncryptionKeys(IOptions<KeyOptions> options)
    {
        folder = options.Value.Folder;
        KeyFiles.CreateFolder(folder);
    }

    /// <returns>The name of the key that wrapped, and what it wrapped.</returns>
    public (string Key, byte[] Wrapped) Wrap(ReadOnlySpan<byte> secret, Guid about, DateTimeOffset now)
    {
        var name = now.UtcDateTime.ToString(DayFormat, CultureInfo.InvariantCulture);
        KeyFiles.CreateIfMissing(FileOf(name), RandomNumberGenerator.GetBytes(KeyBytes));
        var wrapped = new byte[NonceBytes + secret.Length + TagBytes];
        RandomNumberGenerator.Fill(wrapped.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(File.ReadAllBytes(FileOf(name)), TagBytes);
        aes.Encrypt(wrapped.AsSpan(0, NonceBytes), secret, wrapped.AsSpan(NonceBytes, secret.Length), wrapped.AsSpan(NonceBytes + secret.Length), about.ToByteArray());
        return (name, wrapped);
    }

    /// <returns>Null when the key has been destroyed.</returns>
    public byte[]? Unwrap(string key, ReadOnlySpan<byte> wrapped, Guid about)
    {
        if (!File.Exists(FileOf(key))) return null;
        var secret = new byte[wrapped.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(File.ReadAllBytes(FileOf(key)), TagBytes);
        aes.Decrypt(wrapped[..NonceBytes], wrapped[NonceBytes..^TagBytes], wrapped[^TagBytes..], secret, about.ToByteArray());
        return secret;
    }

    /// <summary>Deletes keys whose day began longer than their life ago.</summary>
    public void DestroyOld(DateTimeOffset now)
    {
        foreach (var path in Directory.EnumerateFiles(folder, Prefix + "????????"))
        {
            var day = Path.GetFileName(path)[Prefix.Length..];
            if (DateTime.TryParseExact(day, DayFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var began) &&
                now.UtcDateTime >= began.AddDays(1) + Life) File.Delete(path);
        }
    }

    private string FileOf(string name) => Path.Combine(folder, Prefix + name);
}
