using System.Security.Cryptography;
using System.Text;

namespace Stories.Age;

/// <param name="Arguments">The type, then its arguments: printable ASCII without spaces.</param>
/// <param name="Body">As decoded.</param>
internal sealed record Stanza(IReadOnlyList<string> Arguments, byte[] Body)
{
    public string Type => Arguments[0];
}

/// <summary>C2SP age, "Header": version line, stanzas, MAC.</summary>
internal static class AgeHeader
{
    public const int FileKeyBytes = 16;
    private const int MacBytes = 32;
    private const int BodyColumns = 64;
    private const string Version = "age-encryption.org/v1";
    private const string StanzaStart = "-> ";
    private const string MacStart = "---";

    public static byte[] Write(ReadOnlySpan<byte> fileKey, IReadOnlyList<Stanza> stanzas)
    {
        var text = new StringBuilder(Version).Append('\n');
        foreach (var stanza in stanzas)
        {
            text.Append(StanzaStart).AppendJoin(' ', stanza.Arguments).Append('\n');
            var body = Base64.Encode(stanza.Body);
            // The last line is shorter than the others: empty, when the body fills them.
            for (var at = 0; ; at += BodyColumns)
            {
                var line = body.AsSpan(at, Math.Min(BodyColumns, body.Length - at));
                text.Append(line).Append('\n');
                if (line.Length < BodyColumns) break;
            }
        }
        text.Append(MacStart);
        var covered = Encoding.ASCII.GetBytes(text.ToString());
        return [.. covered, (byte)' ', .. Encoding.ASCII.GetBytes(Base64.Encode(Mac(fileKey, covered))), (byte)'\n'];
    }

    public static async ValueTask<Parsed> ReadAsync(BufferedSource source, AgeLimits limits, CancellationToken cancellationToken)
    {
        var lines = new Lines(source, limits.MaxHeaderBytes);
        if (await lines.NextAsync(cancellationToken).ConfigureAwait(false) != Version) throw new AgeException(AgeFailure.Header, "The version line is not that of age v1.");

        var stanzas = new List<Stanza>();
        for (var line = await lines.NextAsync(cancellationToken).ConfigureAwait(false); ; line = await lines.NextAsync(cancellationToken).ConfigureAwait(false))
        {
            if (line.StartsWith(MacStart, StringComparison.Ordinal)) return Finish(line, lines.Covered, stanzas);
            if (!line.StartsWith(StanzaStart, StringComparison.Ordinal)) throw new AgeException(AgeFailure.Header, "A line is neither a stanza nor the MAC.");
            if (stanzas.Count == limits.MaxStanzas) throw new AgeException(AgeFailure.Limit, "The header has too many stanzas.");
            var arguments = line[StanzaStart.Length..].Split(' ');
            if (arguments.Any(a => a.Length == 0 || a.AsSpan().ContainsAnyExceptInRange('!', '~'))) throw new AgeException(AgeFailure.Header, "A stanza's arguments are printable and not empty.");
            stanzas.Add(new Stanza(arguments, await ReadBodyAsync(lines, cancellationToken).ConfigureAwait(false)));
        }
    }

    /// <returns>The file key.</returns>
    public static byte[] Open(Parsed header, IReadOnlyList<AgeIdentity> identities)
    {
        if (header.Stanzas.Any(s => s.Type == "scrypt")) throw new AgeException(AgeFailure.Scrypt, "The file is encrypted to a passphrase.");
        var own = header.Stanzas.Where(s => s.Type == X25519Stanza.Type).ToList();
        foreach (var stanza in own) X25519Stanza.Read(stanza);
        foreach (var stanza in own)
        {
            foreach (var identity in identities)
            {
                if (identity.Unwrap(stanza) is not { } fileKey) continue;
                if (CryptographicOperations.FixedTimeEquals(Mac(fileKey, header.Covered), header.Mac)) return fileKey;
                throw new AgeException(AgeFailure.HeaderMac, "The header was changed after it was made.");
            }
        }
        throw new AgeException(AgeFailure.NoMatch, "No identity at hand opens this file.");
    }

    private static async ValueTask<byte[]> ReadBodyAsync(Lines lines, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        while (true)
        {
            var line = await lines.NextAsync(cancellationToken).ConfigureAwait(false);
            if (line.Length > BodyColumns) throw new AgeException(AgeFailure.Header, "A line of a stanza's body is longer than 64 columns.");
            // Each line alone must decode, so that a stanza without a short last line runs into the next line's dashes.
            if (Base64.Decode(line) is null) throw new AgeException(AgeFailure.Header, "A stanza's body is not canonical base64.");
            text.Append(line);
            if (line.Length < BodyColumns) return Base64.Decode(text.ToString())!;
        }
    }

    private static Parsed Finish(string line, byte[] read, List<Stanza> stanzas)
    {
        if (stanzas.Count == 0) throw new AgeException(AgeFailure.Header, "The header has no stanza.");
        if (!line.StartsWith(MacStart + " ", StringComparison.Ordinal) || Base64.Decode(line[(MacStart.Length + 1)..]) is not { Length: MacBytes } mac)
            throw new AgeException(AgeFailure.Header, "The MAC line is malformed.");
        var afterDashes = line.Length + 1 - MacStart.Length;
        return new Parsed(stanzas, read[..^afterDashes], mac, read.Length);
    }

    private static byte[] Mac(ReadOnlySpan<byte> fileKey, ReadOnlySpan<byte> covered)
    {
        Span<byte> key = stackalloc byte[MacBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, fileKey, key, salt: [], "header"u8);
        return HMACSHA256.HashData(key, covered);
    }

    // Covered: the bytes up to and including the three dashes, which the MAC is over. Length: of the whole header.
    internal sealed record Parsed(IReadOnlyList<Stanza> Stanzas, byte[] Covered, byte[] Mac, int Length);

    /// <summary>Lines that end in LF alone, within the limit.</summary>
    private sealed class Lines(BufferedSource source, int limit)
    {
        private readonly List<byte> read = [];

        public byte[] Covered => [.. read];

        public async ValueTask<string> NextAsync(CancellationToken cancellationToken)
        {
            var start = read.Count;
            while (true)
            {
                var next = await source.ReadByteAsync(cancellationToken).ConfigureAwait(false);
                if (next < 0) throw new AgeException(AgeFailure.Header, "The file ends within its header.");
                if (read.Count == limit) throw new AgeException(AgeFailure.Limit, "The header is too large.");
                read.Add((byte)next);
                if (next == '\n') return Encoding.Latin1.GetString([.. read.Skip(start).SkipLast(1)]);
            }
        }
    }
}
