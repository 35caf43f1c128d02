using Npgsql;
using Stories.Core.Blobs;

namespace Stories.Core.Data;

/// <summary>
/// Makes one blob of an upload's blocks, from the database's list. Whoever needs the blob does it: the last request, publish,
/// or the sweep; doing it twice changes nothing.
/// </summary>
public sealed class UploadCommit(NpgsqlDataSource database, IngestBlobs blobs)
{
    /// <returns>False when storage no longer has the bytes; the upload is then removed.</returns>
    public async Task<bool> CommitAsync(Guid upload, CancellationToken cancellationToken)
    {
        await using var read = database.CreateCommand("""
            select u.blob_name, u.length, b.block_id from uploads u left join upload_blocks b on b.upload_id = u.id
            where u.id = $1 and u.state = 'Received' order by b.ordinal
            """);
        read.Parameters.AddWithValue(upload);
        var (blob, length, blocks) = ("", 0L, new List<string>());
        await using (var reader = await read.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                (blob, length) = (reader.GetString(0), reader.GetInt64(1));
                blocks.Add(reader.GetString(2));
            }
        }
        // Somebody else was faster.
        if (blocks.Count == 0) return true;

        var isWhole = await blobs.CommitAsync(blob, blocks, length, cancellationToken);
        await using var write = database.CreateCommand(isWhole
            ? "update uploads set state = 'Committed' where id = $1 and state = 'Received'"
            : "delete from uploads where id = $1 and state = 'Received'");
        write.Parameters.AddWithValue(upload);
        await write.ExecuteNonQueryAsync(cancellationToken);
        return isWhole;
    }
}
