using System.Diagnostics;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Stories.Age;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Age;

/// <summary>The community's vectors for age (C2SP/CCTV), from their npm package: our judge from outside.</summary>
public sealed class CctvTests
{
    private static readonly IReadOnlyDictionary<string, Vector> Vectors = Load();

    public static TheoryData<string> Applicable => new(Vectors.Where(v => WhyNot(v.Value) is null).Select(v => v.Key).Order());

    [Theory]
    [MemberData(nameof(Applicable))]
    public async Task A_vector_opens_or_fails_exactly_as_it_says(string name)
    {
        var vector = Vectors[name];
        var identities = vector.Identities.Select(AgeIdentity.Parse).ToList();
        using var released = new MemoryStream();
        var failure = await FailureAsync(vector.File, released, identities);

        Assert.Equal(vector.Expect, failure switch
        {
            null => "success",
            AgeFailure.Header or AgeFailure.Limit or AgeFailure.Scrypt => "header failure",
            AgeFailure.NoMatch => "no match",
            AgeFailure.HeaderMac => "HMAC failure",
            AgeFailure.Payload or AgeFailure.Truncated => "payload failure",
            _ => "?",
        });
        // Also on failure: exactly which plaintext may come out before it.
        if (vector.Payload is { } payload) Assert.Equal(payload, Convert.ToHexStringLower(SHA256.HashData(released.ToArray())));
    }

    [Fact]
    public void Only_armor_passphrases_and_post_quantum_recipients_are_left_out()
    {
        var skipped = Vectors.Where(v => WhyNot(v.Value) is not null).ToList();
        Assert.Equal(143, Vectors.Count);
        Assert.Equal(new Dictionary<string, int> { ["armor"] = skipped.Count(v => v.Value.IsArmored), ["hybrid"] = 18, ["scrypt"] = skipped.Count - 18 - skipped.Count(v => v.Value.IsArmored) },
            skipped.GroupBy(v => WhyNot(v.Value)!).ToDictionary(g => g.Key, g => g.Count()));
        Assert.All(skipped, v => Assert.StartsWith(WhyNot(v.Value)!, v.Key));
    }

    /// <summary>What this library does not do, by the vector's own description.</summary>
    private static string? WhyNot(Vector vector) =>
        vector.IsArmored ? "armor" :
        vector.Identities.Any(i => i.StartsWith("AGE-SECRET-KEY-PQ-", StringComparison.Ordinal)) ? "hybrid" :
        vector.HasPassphrase && vector.Identities.Count == 0 ? "scrypt" : null;

    private static async Task<AgeFailure?> FailureAsync(byte[] file, Stream released, IReadOnlyList<AgeIdentity> identities)
    {
        try
        {
            await AgeFile.DecryptAsync(new MemoryStream(file), released, identities, cancellationToken: TestContext.Current.CancellationToken);
            return null;
        }
        catch (AgeException e)
        {
            return e.Failure;
        }
    }

    private static Dictionary<string, Vector> Load()
    {
        var start = new ProcessStartInfo("node", ["-e", "const v=require('cctv-age');process.stdout.write(JSON.stringify(Object.fromEntries(Object.entries(v).map(([k,b])=>[k,Buffer.from(b).toString('base64')]))))"])
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
        };
        using var node = Process.Start(start)!;
        var json = node.StandardOutput.ReadToEnd();
        node.WaitForExit();
        return JsonSerializer.Deserialize<Dictionary<string, byte[]>>(json)!.ToDictionary(v => v.Key, v => Vector.Parse(v.Value));
    }

    private sealed record Vector(string Expect, string? Payload, IReadOnlyList<string> Identities, bool HasPassphrase, bool IsArmored, byte[] File)
    {
        public static Vector Parse(byte[] bytes)
        {
            var end = bytes.AsSpan().IndexOf("\n\n"u8);
            var fields = Encoding.UTF8.GetString(bytes.AsSpan(0, end)).Split('\n').Select(line => line.Split(": ", 2)).ToLookup(p => p[0], p => p.Length > 1 ? p[1] : "");
            var file = bytes[(end + 2)..];
            if (fields["compressed"].Any()) file = Inflate(file);
            return new Vector(fields["expect"].Single(), fields["payload"].SingleOrDefault(), [.. fields["identity"]], fields["passphrase"].Any(), fields["armored"].Any(), file);
        }

        private static byte[] Inflate(byte[] compressed)
        {
            using var plain = new MemoryStream();
            using var zlib = new ZLibStream(new MemoryStream(compressed), CompressionMode.Decompress);
            zlib.CopyTo(plain);
            return plain.ToArray();
        }
    }
}
