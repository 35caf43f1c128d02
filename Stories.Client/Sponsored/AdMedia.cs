using System.Security.Cryptography;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Sponsored;

/// <summary>Media of creatives, each in a file that is called as its SHA-256.</summary>
internal sealed class AdMedia(string folder)
{
    /// <summary>Its own until it is whole, and left behind by a crash.</summary>
    private const string Part = ".part";

    /// <summary>Whether it seems to be there; looked at closely by <see cref="IsGenuine"/> before it is shown.</summary>
    public bool Has(Digest blob) => IsName(blob.Sha256) && new FileInfo(PathOf(blob)) is { Exists: true } file && file.Length == blob.Length;

    public string PathOf(Digest blob) => Path.Combine(folder, blob.Sha256);

    /// <summary>Whether the bytes on the disk are those that the catalog names; what is not is deleted.</summary>
    public bool IsGenuine(Digest blob)
    {
        if (!Has(blob)) return false;
        using (var file = File.OpenRead(PathOf(blob)))
            if (Convert.ToHexStringLower(SHA256.HashData(file)) == blob.Sha256) return true;
        File.Delete(PathOf(blob));
        return false;
    }

    /// <summary>Fetches one that is not there yet.</summary>
    /// <exception cref="NotGenuineException">The bytes are not those that the catalog names.</exception>
    /// <exception cref="HttpRequestException">Storage cannot be reached, refuses the URL, or stays silent.</exception>
    /// <exception cref="IOException">The connection was cut, or the disk is full.</exception>
    public Task FetchAsync(HttpClient storage, CatalogMedia media, CancellationToken cancellationToken) => Deadline.KeepAsync(async until =>
    {
        await FetchWithinAsync(storage, media, until);
        return true;
    }, TimeProvider.System, cancellationToken);

    /// <summary>Deletes all others.</summary>
    /// <param name="names">SHA-256 of those that stay.</param>
    public void Keep(IReadOnlySet<string> names)
    {
        foreach (var file in Directory.EnumerateFiles(folder))
            if (!names.Contains(Path.GetFileName(file))) File.Delete(file);
    }

    private async Task FetchWithinAsync(HttpClient storage, CatalogMedia media, CancellationToken cancellationToken)
    {
        var blob = media.File.Blob;
        if (!IsName(blob.Sha256)) throw new NotGenuineException("A creative's file has no digest.");
        if (!Uri.TryCreate(media.Url, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https")) throw new NotGenuineException("A creative's file has no address.");
        using var response = await storage.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode) throw new HttpRequestException($"Storage answered {(int)response.StatusCode}.", null, response.StatusCode);
        var part = WholeFile.Aside(PathOf(blob)) + Part;
        try
        {
            await using (var file = WholeFile.Create(part))
            await using (var body = await response.Content.ReadAsStreamAsync(cancellationToken))
                await CopyAsync(body, file, blob, cancellationToken);
            File.Move(part, PathOf(blob), overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
    }

    private static async Task CopyAsync(Stream body, Stream file, Digest blob, CancellationToken cancellationToken)
    {
        await using var digested = new DigestedWriteStream(file);
        var buffer = new byte[64 * 1024];
        long total = 0;
        while (await body.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            // Storage that never stops sending must not fill the disk.
            if ((total += read) > blob.Length) throw new NotGenuineException("A creative's file is longer than the catalog says.");
            await digested.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
        if (digested.Finish() != blob) throw new NotGenuineException("A creative's file is not the one that the catalog names.");
    }

    /// <summary>It becomes a part of a path.</summary>
    private static bool IsName(string? sha256) => sha256 is { Length: 64 } && sha256.All(char.IsAsciiHexDigitLower);
}
