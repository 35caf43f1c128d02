namespace Stories.Age;

/// <summary>Bech32 as BIP 173 has it (not bech32m), without its limit of 90 characters: age keys use it so.</summary>
internal static class Bech32
{
    private const string Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    private static readonly uint[] Generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

    /// <param name="prefix">Lower case.</param>
    /// <param name="data">The bytes to encode.</param>
    public static string Encode(string prefix, ReadOnlySpan<byte> data)
    {
        var values = Regroup(data, 8, 5, pad: true)!;
        var checksum = Polymod([.. Expand(prefix), .. values, 0, 0, 0, 0, 0, 0]) ^ 1;
        var text = new char[prefix.Length + 1 + values.Length + 6];
        prefix.CopyTo(text);
        text[prefix.Length] = '1';
        for (var i = 0; i < values.Length; i++) text[prefix.Length + 1 + i] = Alphabet[values[i]];
        for (var i = 0; i < 6; i++) text[^(6 - i)] = Alphabet[(int)(checksum >> (5 * (5 - i))) & 31];
        return new string(text);
    }

    /// <returns>Null when the text is not bech32 with this prefix, in one case throughout.</returns>
    public static byte[]? Decode(string prefix, ReadOnlySpan<char> text)
    {
        // BIP 173's range. Beyond it there are letters whose lower case is one of ours: the Kelvin sign's is k.
        if (text.ContainsAnyExceptInRange('!', '~') || (text.ContainsAnyInRange('a', 'z') && text.ContainsAnyInRange('A', 'Z'))) return null;
        var separator = text.LastIndexOf('1');
        if (separator != prefix.Length || text.Length - separator < 7 || !text[..separator].Equals(prefix, StringComparison.OrdinalIgnoreCase)) return null;

        var values = new byte[text.Length - separator - 1];
        for (var i = 0; i < values.Length; i++)
        {
            var value = Alphabet.IndexOf(char.ToLowerInvariant(text[separator + 1 + i]), StringComparison.Ordinal);
            if (value < 0) return null;
            values[i] = (byte)value;
        }
        return Polymod([.. Expand(prefix), .. values]) == 1 ? Regroup(values.AsSpan(..^6), 5, 8, pad: false) : null;
    }

    private static byte[] Expand(string prefix)
    {
        var expanded = new byte[prefix.Length * 2 + 1];
        for (var i = 0; i < prefix.Length; i++)
        {
            expanded[i] = (byte)(prefix[i] >> 5);
            expanded[prefix.Length + 1 + i] = (byte)(prefix[i] & 31);
        }
        return expanded;
    }

    private static uint Polymod(ReadOnlySpan<byte> values)
    {
        uint sum = 1;
        foreach (var value in values)
        {
            var top = sum >> 25;
            sum = (sum & 0x1ffffff) << 5 ^ value;
            for (var i = 0; i < 5; i++)
                if ((top >> i & 1) == 1) sum ^= Generator[i];
        }
        return sum;
    }

    private static byte[]? Regroup(ReadOnlySpan<byte> data, int from, int to, bool pad)
    {
        var result = new List<byte>(data.Length * from / to + 1);
        int held = 0, bits = 0;
        foreach (var value in data)
        {
            held = (held << from | value) & 0xfff;
            for (bits += from; bits >= to;)
            {
                bits -= to;
                result.Add((byte)(held >> bits & ((1 << to) - 1)));
            }
        }
        if (pad)
        {
            if (bits > 0) result.Add((byte)(held << (to - bits) & ((1 << to) - 1)));
        }
        else if (bits >= from || (held & ((1 << bits) - 1)) != 0)
        {
            return null;
        }
        return [.. result];
    }
}
