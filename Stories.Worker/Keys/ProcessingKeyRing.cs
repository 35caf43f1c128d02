using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Stories.Age;
using Stories.Core.Data;
using Stories.Core.Keys;
using Stories.Protocol;

namespace Stories.Worker.Keys;

/// <summary>Makes, opens and destroys the keys to which uploads are encrypted.</summary>
public sealed class ProcessingKeyRing(StoriesDb db, KeyEncryptionKeys encryption, ServiceSigner signer, TimeProvider clock)
{
    private const string Maker = "processing key maker";

    /// <summary>Repeatable, and safe in several workers at once: one makes, the others find it made.</summary>
    public async Task TurnAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({Maker}, 0))", cancellationToken);
        await signer.PublishAsync(db, now, cancellationToken);
        if (!await db.ProcessingKeys.AnyAsync(k => k.MadeAt > now - ProcessingKey.Rotation, cancellationToken))
        {
            db.ProcessingKeys.Add(Make(now));
            await db.SaveChangesAsync(cancellationToken);
        }
        await db.ProcessingKeys.Where(k => k.DestroyAt <= now).ExecuteDeleteAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        encryption.DestroyOld(now);
    }

    /// <returns>Null when the key is destroyed.</returns>
    public async Task<AgeIdentity?> OpenAsync(Guid id, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var key = await db.ProcessingKeys.AsNoTracking().SingleOrDefaultAsync(k => k.Id == id && k.DestroyAt > now, cancellationToken);
        if (key is null || encryption.Unwrap(key.WrappedBy, key.Wrapped, id) is not { } secret) return null;
        try
        {
            return AgeIdentity.Parse(Encoding.ASCII.GetString(secret));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private ProcessingKey Make(DateTimeOffset now)
    {
        var id = Guid.NewGuid();
        using var identity = AgeIdentity.Generate();
        var recipient = identity.Recipient.ToString();
        var (wrappedBy, wrapped) = encryption.Wrap(Encoding.ASCII.GetBytes(identity.ExportSecret()), id, now);
        var entry = new ProcessingKeyEntry(id, recipient, (now + ProcessingKey.NamedFor).ToUnixTimeSeconds());
        var signed = signer.Sign(SignaturePurpose.ProcessingKey, StoriesJson.Write(entry));
        return ProcessingKey.Make(id, recipient, wrappedBy, wrapped, signed.Bytes, signed.Signature, signed.Key, now);
    }
}
