using Npgsql;
using NpgsqlTypes;
using Stories.Core.Data;
using Stories.Core.Uploads;
using Stories.Protocol;

namespace Stories.Api.Uploads;

/// <summary>How an upload stands, as its owner may know it.</summary>
internal sealed record UploadStanding(long Offset, long Length, UploadState State, int Parts, long WastedBytes, DateTimeOffset ExpiresAt)
{
    /// <summary>It has come in so many requests, or so much of it in vain, that it takes no more.</summary>
    public bool IsWornOut(UploadOptions limits) => Parts >= limits.MaxParts || WastedBytes >= limits.WastedLengths * Length;
}

/// <summary>The right to add bytes to an upload, until a newer request takes it.</summary>
/// <param name="Blocks">How many blocks there are already.</param>
internal sealed record UploadHold(Guid Id, string BlobName, long Offset, long Length, int Epoch, int Blocks);

internal readonly record struct StagedBlock(string Id, int Length);

/// <summary>The uploads' rows, in single statements: each is a compare-and-swap that either holds or changes nothing.</summary>
internal sealed class UploadRows(NpgsqlDataSource database)
{
    /// <summary>Adds the row when the owner's quotas allow it; one round trip, one owner at a time.</summary>
    /// <returns>The code of the quota that is used up, or that the owner is being erased; else null.</returns>
    public async Task<string?> AddAsync(Upload upload, bool withBody, UploadOptions limits, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(DepartureGate.Hold));
        var mutex = new NpgsqlBatchCommand("select pg_advisory_xact_lock(hashtextextended($1, 0))");
        mutex.Parameters.AddWithValue("uploads of " + upload.Owner);
        batch.BatchCommands.Add(mutex);
        var insert = new NpgsqlBatchCommand($"""
            with mine as (
                select count(*) filter (where state <> 'Consumed' and expires_at > $1) as open,
                       coalesce(sum(length) filter (where state <> 'Consumed' and expires_at > $1), 0) as open_bytes,
                       coalesce(sum(length), 0) as day_bytes
                from uploads where app = $2 and "user" = $3 and created_at > $4),
            verdict as (
                select case when not {DepartureGate.IsStaying("$2", "$3")} then 'service.unavailable' when open >= $5 or open_bytes + $6 > $7 then 'quota.uploads' when day_bytes + $6 > $8 then 'quota.bytes' end as refused from mine),
            added as (
                insert into uploads (id, app, "user", lane, level, processing_key_id, length, "offset", epoch, parts, wasted_bytes, state, blob_name, created_at, expires_at)
                select $9, $2, $3, $10, $11, $12, $6, 0, $13, $13, 0, 'Receiving', $14, $1, $15 from verdict where refused is null)
            select refused from verdict
            """);
        var p = insert.Parameters;
        p.AddWithValue(upload.CreatedAt);
        p.AddWithValue(upload.App);
        p.AddWithValue(upload.User);
        p.AddWithValue(upload.CreatedAt.AddDays(-1));
        p.AddWithValue((long)limits.OpenPerUser);
        p.AddWithValue(upload.Length);
        p.AddWithValue(limits.OpenBytesPerUser);
        p.AddWithValue(limits.BytesPerUserPerDay);
        p.AddWithValue(upload.Id);
        p.AddWithValue(upload.Lane.ToString());
        p.AddWithValue(upload.Level.ToString());
        p.AddWithValue(upload.ProcessingKeyId);
        p.AddWithValue(withBody ? 1 : 0);
        p.AddWithValue(upload.BlobName);
        p.AddWithValue(upload.ExpiresAt);
        batch.BatchCommands.Add(insert);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        // The gate's, the mutex's, the verdict.
        await reader.NextResultAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.IsDBNull(0) ? null : reader.GetString(0);
    }

    /// <returns>Null when the caller has no such upload.</returns>
    public async Task<UploadStanding?> FindAsync(Guid id, UserName owner, CancellationToken cancellationToken)
    {
        await using var command = Owned("""select "offset", length, state, parts, wasted_bytes, expires_at from uploads where id = $1 and app = $2 and "user" = $3""", id, owner);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new UploadStanding(reader.GetInt64(0), reader.GetInt64(1), Enum.Parse<UploadState>(reader.GetString(2)), reader.GetInt32(3), reader.GetInt64(4), reader.GetFieldValue<DateTimeOffset>(5))
            : null;
    }

    /// <summary>Takes the upload over from any older request.</summary>
    /// <returns>Null when it does not stand at this offset, or takes no bytes any more.</returns>
    public async Task<UploadHold?> HoldAsync(Guid id, UserName owner, long offset, UploadOptions limits, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = Owned("""
            update uploads set epoch = epoch + 1, parts = parts + 1
            where id = $1 and app = $2 and "user" = $3 and state = 'Receiving' and "offset" = $4 and parts < $5 and wasted_bytes < $6 * length and expires_at > $7
            returning blob_name, length, epoch, (select count(*) from upload_blocks where upload_id = $1)
            """, id, owner);
        command.Parameters.AddWithValue(offset);
        command.Parameters.AddWithValue(limits.MaxParts);
        command.Parameters.AddWithValue((long)limits.WastedLengths);
        command.Parameters.AddWithValue(now);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new UploadHold(id, reader.GetString(0), offset, reader.GetInt64(1), reader.GetInt32(2), (int)reader.GetInt64(3))
            : null;
    }

    /// <summary>Moves the offset over staged blocks.</summary>
    /// <returns>False when a newer request holds the upload, or it has ended: the blocks will never be named.</returns>
    public async Task<bool> AdvanceAsync(UploadHold hold, long from, int firstOrdinal, IReadOnlyList<StagedBlock> blocks, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            with moved as (
                update uploads set "offset" = $1, state = case when length = $1 then 'Received' else state end
                where id = $2 and "offset" = $3 and epoch = $4 and state = 'Receiving' and expires_at > $8 returning id)
            insert into upload_blocks (upload_id, ordinal, block_id, length)
            select moved.id, $5 + block.place - 1, block.id, block.length
            from moved, unnest($6, $7) with ordinality as block(id, length, place)
            """);
        command.Parameters.AddWithValue(from + blocks.Sum(b => (long)b.Length));
        command.Parameters.AddWithValue(hold.Id);
        command.Parameters.AddWithValue(from);
        command.Parameters.AddWithValue(hold.Epoch);
        command.Parameters.AddWithValue((long)firstOrdinal);
        command.Parameters.AddWithValue(NpgsqlDbType.Array | NpgsqlDbType.Text, blocks.Select(b => b.Id).ToArray());
        command.Parameters.AddWithValue(NpgsqlDbType.Array | NpgsqlDbType.Integer, blocks.Select(b => b.Length).ToArray());
        command.Parameters.AddWithValue(now);
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Counts bytes that were staged and will never be named: storage keeps them as long as the upload.</summary>
    /// <returns>False when the upload's row is gone, or soon will be: its bytes are nobody's.</returns>
    public async Task<bool> WasteAsync(Guid id, long bytes, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("update uploads set wasted_bytes = wasted_bytes + $2 where id = $1 and (state = 'Consumed' or expires_at > $3)");
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(bytes);
        command.Parameters.AddWithValue(now);
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>Gives the upload up: from here on it takes no bytes, and no story takes it.</summary>
    /// <returns>The blob that goes with the upload; null when the caller has no such upload, or a story owns it.</returns>
    public async Task<string?> EndAsync(Guid id, UserName owner, CancellationToken cancellationToken)
    {
        await using var command = Owned("""update uploads set expires_at = $4 where id = $1 and app = $2 and "user" = $3 and state <> 'Consumed' returning blob_name""", id, owner);
        command.Parameters.AddWithValue(Upload.Ended);
        return (string?)await command.ExecuteScalarAsync(cancellationToken);
    }

    public async Task RemoveAsync(Guid id, UserName owner, CancellationToken cancellationToken)
    {
        await using var command = Owned("""delete from uploads where id = $1 and app = $2 and "user" = $3 and state <> 'Consumed'""", id, owner);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private NpgsqlCommand Owned(string sql, Guid id, UserName owner)
    {
        var command = database.CreateCommand(sql);
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(owner.App);
        command.Parameters.AddWithValue(owner.User);
        return command;
    }
}
