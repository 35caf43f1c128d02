namespace Stories.Age;

/// <summary>Standard base64 without padding, canonical: unused bits are zero.</summary>
internal static class Base64
{
    public static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    /// <returns>Null when the text is not canonical unpadded base64.</returns>
    public static byte[]? Decode(string text)
    {
        if (text.Length % 4 == 1 || text.AsSpan().IndexOfAnyExcept(Alphabet) >= 0) return null;
        var padded = text.PadRight((text.Length + 3) / 4 * 4, '=');
        var bytes = new byte[padded.Length / 4 * 3];
        if (!Convert.TryFromBase64String(padded, bytes, out var written)) return null;
        return Encode(bytes.AsSpan(..written)) == text ? bytes[..written] : null;
    }

    private static readonly System.Buffers.SearchValues<char> Alphabet =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}
