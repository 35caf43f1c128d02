using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Stories.Core.Data;
using Stories.Protocol;

namespace Stories.Worker.Keys;

/// <summary>The service's Ed25519 key: signs processing keys and what the worker made. Apps pin its public half.</summary>
public sealed class ServiceSigner : IDisposable
{
    private readonly SigningKey key;

    public ServiceSigner(IOptions<KeyOptions> options)
    {
        KeyFiles.CreateFolder(options.Value.Folder);
        var path = PathOf(options.Value);
        using (var fresh = SigningKey.Generate()) KeyFiles.CreateIfMissing(path, fresh.ExportSeed());
        key = SigningKey.FromSeed(KeyFiles.Read(path));
    }

    /// <summary>False where no worker has run yet, or the folder is not the workers'.</summary>
    public static bool IsThere(KeyOptions options) => File.Exists(PathOf(options));

    public SignedRecord Sign(string purpose, byte[] bytes) => new(bytes, key.Sign(purpose, bytes), key.Id);

    public async Task PublishAsync(StoriesDb db, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (await db.ServiceKeys.AnyAsync(k => k.Id == key.Id, cancellationToken)) return;
        await db.Database.ExecuteSqlAsync(
            $"insert into service_keys (id, public_key, made_at) values ({key.Id}, {key.PublicKey}, {now}) on conflict do nothing", cancellationToken);
    }

    public void Dispose() => key.Dispose();

    private static string PathOf(KeyOptions options) => Path.Combine(options.Folder, "service-key");
}
