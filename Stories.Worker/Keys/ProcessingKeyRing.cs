using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Stories.Age;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Core.Keys;
using Stories.Protocol;

namespace Stories.Worker.Keys;

/// <summary>Makes, opens and destroys the keys to which uploads are encrypted.</summary>
public sealed class ProcessingKeyRing(StoriesDb db, KeyEncryptionKeys encryption, ServiceSigner signer, TimeProvider clock)
{
    private const string Maker = "processing key maker";

    private static readonly TimeSpan LeastApart = TimeSpan.FromMinutes(5);

    /// <summary>Repeatable, and safe in several workers at once: one makes, the others find it made.</summary>
    public async Task TurnAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({Maker}, 0))", cancellationToken);
        await signer.PublishAsync(db, now, cancellationToken);
        await db.ProcessingKeys.Where(k => k.DestroyAt <= now).ExecuteDeleteAsync(cancellationToken);

        var current = encryption.Current(now);
        foreach (var key in await db.ProcessingKeys.Where(k => k.WrappedBy != current).ToListAsync(cancellationToken)) Rewrap(key, current);
        // One that was wrapped by a lost key is none. But workers that have lost each other's must not make keys by turns without end.
        var newest = await db.ProcessingKeys.Where(k => k.MadeAt > now - ProcessingKey.Rotation).OrderByDescending(k => k.MadeAt).FirstOrDefaultAsync(cancellationToken);
        if (newest is null || (newest.MadeAt <= now - LeastApart && !CanOpen(newest))) db.ProcessingKeys.Add(Make(current, now));
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        // Only now: until here rows may still have needed them.
        encryption.DestroyOld(now);
    }

    /// <returns>Null when the key is destroyed.</returns>
    /// <exception cref="KeyAwayException">It is not, and cannot be opened here.</exception>
    public async Task<AgeIdentity?> OpenAsync(Guid id, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var key = await db.ProcessingKeys.AsNoTracking().SingleOrDefaultAsync(k => k.Id == id && k.DestroyAt > now, cancellationToken);
        return key is null ? null : Open(key) ?? throw new KeyAwayException();
    }

    /// <summary>Whether uploads can name a key now that can be opened here.</summary>
    public async Task<bool> IsUsableAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var newest = await db.ProcessingKeys.AsNoTracking().Where(k => k.NotAfter > now).OrderByDescending(k => k.MadeAt).FirstOrDefaultAsync(cancellationToken);
        return newest is not null && CanOpen(newest);
    }

    private bool CanOpen(ProcessingKey key)
    {
        using var identity = Open(key);
        return identity is not null;
    }

    private AgeIdentity? Open(ProcessingKey key)
    {
        if (encryption.Unwrap(key.WrappedBy, key.Wrapped, key.Id) is not { } secret) return null;
        try
        {
            return AgeIdentity.Parse(Encoding.ASCII.GetString(secret));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private void Rewrap(ProcessingKey key, string current)
    {
        // Wrapped by a key that is not here: nobody will open it again, and it goes with its time.
        if (encryption.Unwrap(key.WrappedBy, key.Wrapped, key.Id) is not { } secret) return;
        key.Rewrap(current, encryption.Wrap(current, secret, key.Id));
        CryptographicOperations.ZeroMemory(secret);
    }

    private ProcessingKey Make(string current, DateTimeOffset now)
    {
        var id = Guid.NewGuid();
        using var identity = AgeIdentity.Generate();
        var recipient = identity.Recipient.ToString();
        var secret = Encoding.ASCII.GetBytes(identity.ExportSecret());
        var wrapped = encryption.Wrap(current, secret, id);
        CryptographicOperations.ZeroMemory(secret);
        var entry = new ProcessingKeyEntry(id, recipient, (now + ProcessingKey.NamedFor).ToUnixTimeSeconds());
        var signed = signer.Sign(SignaturePurpose.ProcessingKey, StoriesJson.Write(entry));
        return ProcessingKey.Make(id, recipient, current, wrapped, signed.Bytes, signed.Signature, signed.Key, now);
    }
}
