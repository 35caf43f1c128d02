using System.Globalization;
using System.Text;
using Stories.Protocol;

namespace Stories.Api.Uploads;

/// <summary>tus 1.0 on the wire: what the headers are called and how they are read. Strict: what is not understood is refused.</summary>
internal static class TusHeaders
{
    public const string Version = "1.0.0";
    public const string Extensions = "creation,creation-with-upload,expiration,checksum,termination";
    public const string ChecksumAlgorithms = "sha256,sha1";
    public const string ContentType = "application/offset+octet-stream";

    public const string Resumable = "Tus-Resumable";
    public const string Offset = "Upload-Offset";
    public const string Length = "Upload-Length";
    public const string Expires = "Upload-Expires";
    public const string Metadata = "Upload-Metadata";
    public const string Checksum = "Upload-Checksum";

    private const int MaxMetadata = 1024;

    public static bool SpeaksOurVersion(this HttpRequest request) => request.Headers[Resumable] is [Version];

    public static bool HasOffsetBody(this HttpRequest request) =>
        string.Equals(request.ContentType, ContentType, StringComparison.OrdinalIgnoreCase);

    /// <returns>Null when the header is missing, given twice, or not a plain decimal number.</returns>
    public static long? Number(this HttpRequest request, string header) =>
        request.Headers[header] is [{ } text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static string Date(DateTimeOffset time) => time.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>Lane, level and processing key; nothing else, each once.</summary>
    public static (Lane Lane, Level Level, Guid Key)? ReadMetadata(this HttpRequest request)
    {
        if (request.Headers[Metadata] is not [{ Length: <= MaxMetadata } header]) return null;
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in header.Split(','))
        {
            if (pair.Trim().Split(' ') is not [var key, var encoded] || Decode(encoded) is not { } value || !values.TryAdd(key, value)) return null;
        }
        return values.Count == 3 &&
            values.TryGetValue("lane", out var lane) && values.TryGetValue("level", out var level) && values.TryGetValue("key", out var id) &&
            Word<Lane>(lane) is { } readLane && Word<Level>(level) is { } readLevel && Guid.TryParse(id, out var readKey)
                ? (readLane, readLevel, readKey)
                : null;
    }

    private static string? Decode(string encoded)
    {
        var bytes = new byte[encoded.Length];
        return Convert.TryFromBase64String(encoded, bytes, out var written) && Ascii.IsValid(bytes.AsSpan(..written)) ? Encoding.ASCII.GetString(bytes.AsSpan(..written)) : null;
    }

    /// <summary>An enum's member as JSON writes it.</summary>
    private static TWord? Word<TWord>(string text) where TWord : struct, Enum =>
        Enum.TryParse<TWord>(text, ignoreCase: true, out var value) && char.IsAsciiLetterLower(text[0]) && !text.Contains(',') ? value : null;
}
