using System.Runtime.CompilerServices;
using Npgsql;
using Stories.Core.Blobs;

namespace Stories.Worker.Auditing;

/// <summary>Ciphertext as it was uploaded against the rows of uploads, both ways.</summary>
internal sealed class IngestChecks(AuditRows rows, BlobInventory inventory, IngestBlobs ingest)
{
    /// <summary>A row comes before its bytes and goes after them, unless somebody was killed in between.</summary>
    public async IAsyncEnumerable<Finding> BlobsOfNoUploadAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var uploads = rows.ReadAsync("""select id, blob_name from uploads where bytes_gone_at is null order by blob_name collate "C" """, Read, cancellationToken);
        await foreach (var (blob, upload) in SideBySide.ByName(inventory.IngestAsync(withBlocks: true, cancellationToken), b => b.Name, uploads, u => u.Blob, cancellationToken))
        {
            if (blob is null) continue;
            look.Count++;
            if (upload is not null || look.IsYoung(blob.WrittenAt) || await IsSomebodysAsync(blob.Name, cancellationToken)) continue;
            yield return new Finding($"ingest/{blob.Name}", blob.WrittenAt, async cancel =>
            {
                if (await IsSomebodysAsync(blob.Name, cancel)) return false;
                await ingest.DeleteAsync(blob.Name, cancel);
                return true;
            });
        }
    }

    /// <summary>Only told of: the worker refuses the story when its turn comes, and the author can send it again.</summary>
    public async IAsyncEnumerable<Finding> UploadsWithoutBytesAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var uploads = rows.ReadAsync(
            """select id, blob_name from uploads where bytes_gone_at is null and state in ('Committed', 'Consumed') order by blob_name collate "C" """, Read, cancellationToken);
        await foreach (var (blob, upload) in SideBySide.ByName(inventory.IngestAsync(withBlocks: false, cancellationToken), b => b.Name, uploads, u => u.Blob, cancellationToken))
        {
            if (upload is null) continue;
            look.Count++;
            if (blob is null && !await ingest.ExistsAsync(upload.Blob, cancellationToken) && await IsSomebodysAsync(upload.Blob, cancellationToken))
                yield return new Finding($"upload {upload.Id}", null);
        }
    }

    private Task<bool> IsSomebodysAsync(string blob, CancellationToken cancellationToken) =>
        rows.AnyAsync("select 1 from uploads where blob_name = $1 and bytes_gone_at is null", cancellationToken, blob);

    private static UploadRow Read(NpgsqlDataReader row) => new(row.GetGuid(0), row.GetString(1));

    private sealed record UploadRow(Guid Id, string Blob);
}
