using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Stories.Api.Operating;

/// <summary>
/// The issuer of development apps: a P-256 key in a file with owner-only rights. Hosts refuse to start in Production while
/// an app trusts it.
/// </summary>
internal static class DevelopmentIssuer
{
    public const string Name = "stories-development";
    private const string KeyId = "development";

    public static async Task<ECDsaSecurityKey> LoadAsync(IConfiguration configuration)
    {
        var path = configuration["Development:IssuerKeyFile"] ?? throw new ArgumentException("Set Development:IssuerKeyFile.");
        if (!File.Exists(path)) await CreateAsync(path);
        var key = ECDsa.Create();
        key.ImportFromPem(await File.ReadAllTextAsync(path));
        return new ECDsaSecurityKey(key) { KeyId = KeyId };
    }

    public static string PublicKeys(ECDsaSecurityKey key, string keyId = KeyId)
    {
        var point = key.ECDsa.ExportParameters(includePrivateParameters: false).Q;
        return JsonSerializer.Serialize(new
        {
            keys = new[] { new { kty = "EC", crv = "P-256", alg = "ES256", use = "sig", kid = keyId, x = Base64UrlEncoder.Encode(point.X), y = Base64UrlEncoder.Encode(point.Y) } },
        });
    }

    private static async Task CreateAsync(string path)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var file = new FileStream(path, options);
        await using var writer = new StreamWriter(file);
        await writer.WriteAsync(key.ExportPkcs8PrivateKeyPem());
    }
}
