using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Stories.Core.Media;
using Stories.Worker.Keys;
using Stories.Worker.Media;

namespace Stories.Worker.Auditing;

/// <summary>What lies outside database and storage: this machine's scratch, and the keys.</summary>
internal sealed class MachineChecks(AuditRows rows, ProcessingKeyRing ring, KeyEncryptionKeys encryption, IOptions<MediaOptions> media)
{
    /// <summary>The sweep destroys keys every 15 s.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromMinutes(1);

    /// <summary>Who starts here wipes it too; until then it is plaintext.</summary>
    public async IAsyncEnumerable<Finding> ScratchAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var room in ScratchRoom.FindAll(media.Value))
        {
            look.Count++;
            var since = new DateTimeOffset(Directory.GetLastWriteTimeUtc(room));
            if (!ScratchRoom.IsAbandoned(room)) continue;
            yield return new Finding(Path.GetFileName(room), since, _ =>
            {
                ScratchRoom.WipeIfAbandoned(room);
                return Task.FromResult(!Directory.Exists(room));
            });
        }
    }

    public async IAsyncEnumerable<Finding> KeysAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        look.Count = await rows.CountAsync("select count(*) from processing_keys", cancellationToken);
        await foreach (var (id, destroyAt) in rows.ReadAsync(
            "select id, destroy_at from processing_keys where destroy_at < $1", row => (row.GetGuid(0), row.GetFieldValue<DateTimeOffset>(1)), cancellationToken, look.Now - Late))
            yield return new Finding($"processing key {id}", destroyAt, TurnAsync);
        foreach (var (path, destroyAt) in encryption.FindAll())
        {
            look.Count++;
            if (destroyAt >= look.Now - Late) continue;
            yield return new Finding(Path.GetFileName(path), destroyAt, TurnAsync);
        }
    }

    /// <summary>Destroys all that is past its life, in the order in which nothing is lost that is still needed.</summary>
    private async Task<bool> TurnAsync(CancellationToken cancellationToken)
    {
        await ring.TurnAsync(cancellationToken);
        return true;
    }
}
