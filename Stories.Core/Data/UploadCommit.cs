using Npgsql;
using Stories.Core.Blobs;

namespace Stories.Core.Data;

/// <summary>
/// Makes one blob of an upload's blocks, from the database's list. Whoever needs the blob does it: the last request, publish,
/// or the sweep; doing it twice changes nothing.
/// </summary>
public sealed class UploadCommit(NpgsqlDataSource database, IngestBlobs blobs, TimeProvider clock)
{
    /// <returns>False when storage no longer has the bytes; the upload is then removed, or ended meanwhile.</returns>
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
        if (!isWhole)
        {
            await ChangeAsync("delete from uploads where id = $1 and state = 'Received'", upload);
            return false;
        }
        if (await ChangeAsync("update uploads set state = 'Committed' where id = $1 and state = 'Received' and expires_at > $2", upload, clock.GetUtcNow()) > 0) return true;
        if (await IsSomebodysAsync(upload)) return true;
        // Whoever ended the upload meanwhile could not delete a blob that was not there yet.
        await blobs.DeleteAsync(blob, CancellationToken.None);
        return false;
    }

    private async Task<int> ChangeAsync(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>Another process committed it, and has not ended it since.</summary>
    private async Task<bool> IsSomebodysAsync(Guid upload)
    {
        await using var command = Command("select exists (select 1 from uploads where id = $1 and state in ('Committed', 'Consumed'))", upload);
        return (bool)(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }

    private NpgsqlCommand Command(string sql, params object[] values)
    {
        var command = database.CreateCommand(sql);
        foreach (var value in values) command.Parameters.AddWithValue(value);
        return command;
    }
}
