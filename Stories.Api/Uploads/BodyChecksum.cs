using System.Security.Cryptography;

namespace Stories.Api.Uploads;

/// <summary>The announced checksum of one request's body (tus checksum extension).</summary>
internal sealed class BodyChecksum : IDisposable
{
    private readonly IncrementalHash hash;
    private readonly byte[] expected;

    private BodyChecksum(IncrementalHash hash, byte[] expected)
    {
        this.hash = hash;
        this.expected = expected;
    }

    /// <returns>False when there is a header that cannot be kept; <paramref name="checksum"/> is null when there is none.</returns>
    public static bool TryRead(HttpRequest request, out BodyChecksum? checksum)
    {
        checksum = null;
        var header = request.Headers[TusHeaders.Checksum];
        if (header.Count == 0) return true;
        if (header is not [{ } text] || text.Split(' ') is not [var name, var encoded]) return false;
        HashAlgorithmName? algorithm = name switch
        {
            "sha256" => HashAlgorithmName.SHA256,
            // The extension makes it mandatory; it only guards against accidents on the way, not against anybody.
            "sha1" => HashAlgorithmName.SHA1,
            _ => null,
        };
        if (algorithm is not { } known) return false;
        var hash = IncrementalHash.CreateHash(known);
        var expected = new byte[64];
        if (!Convert.TryFromBase64String(encoded, expected, out var length) || length != hash.HashLengthInBytes)
        {
            hash.Dispose();
            return false;
        }
        checksum = new BodyChecksum(hash, expected[..length]);
        return true;
    }

    public void Append(ReadOnlySpan<byte> bytes) => hash.AppendData(bytes);

    public bool IsKept() => CryptographicOperations.FixedTimeEquals(hash.GetHashAndReset(), expected);

    public void Dispose() => hash.Dispose();
}
