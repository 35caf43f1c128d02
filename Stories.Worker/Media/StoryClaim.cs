using Npgsql;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Worker.Media;

/// <summary>The right to work on one story for a while; whoever holds an older claim changes nothing any more.</summary>
public sealed record StoryClaim(
    Guid Story, Guid Bucket, string Container, DateTimeOffset BucketEndsAt, DateTimeOffset ExpiresAt, Level Level, Lane Lane, byte[] Manifest, string ManifestSha256, int Revision, int Attempt, RenderWishes Wishes);

public enum ClaimLoss
{
    /// <summary>Nothing to do: done, ended, unknown, or another process is at it.</summary>
    NothingToDo,

    /// <summary>Its time ran out before it was live.</summary>
    Expired,

    /// <summary>Started as often as allowed and never finished.</summary>
    GivenUp,
}

public enum ClaimEnd
{
    /// <summary>It does hold: whatever made it look lost was trouble of ours.</summary>
    Ours,

    /// <summary>By its author; the input is to go too.</summary>
    Withdrawn,

    /// <summary>Its time, or its bucket's, ran out.</summary>
    Expired,

    /// <summary>Another worker has it, which still needs the input; or it is done; or the story is erased.</summary>
    TakenOver,
}

/// <summary>The transitions that several processes could race for, each one conditional statement.</summary>
public sealed class StoryClaims(NpgsqlDataSource database, TimeProvider clock)
{
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>The attempt is counted before the media is touched: a file that kills the process uses its attempts up.</summary>
    public async Task<(StoryClaim? Claim, ClaimLoss Loss, Guid Story)> TakeAsync(Guid workId, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await using (var command = Command("""
            update stories s set attempt = s.attempt + 1, claimed_until = $2, stage = 'Decrypting', percent = 0,
                state = case when s.state = 'Accepted' then 'Processing' else s.state end
            from buckets b
            where s.work_id = $1 and s.work = 'Pending' and s.expires_at > $3 and (s.claimed_until is null or s.claimed_until <= $3) and s.attempt < $4
              and b.id = s.bucket_id and s.manifest is not null
            returning s.id, s.bucket_id, b.container, b.ends_at, s.expires_at, s.level, s.lane, s.manifest, s.manifest_sha256, s.revision, s.attempt, s.wishes_avif, s.wishes_split, s.wishes_poster_at
            """, workId, now + Lease, now, Core.Posting.Story.MaxAttempts))
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                var claim = new StoryClaim(
                    reader.GetGuid(0), reader.GetGuid(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3), reader.GetFieldValue<DateTimeOffset>(4),
                    Enum.Parse<Level>(reader.GetString(5)), Enum.Parse<Lane>(reader.GetString(6)), (byte[])reader[7], reader.GetString(8), reader.GetInt32(9), reader.GetInt32(10),
                    new RenderWishes(reader.GetBoolean(11), reader.GetBoolean(12), reader[13] as double?));
                return (claim, default, claim.Story);
            }
        }
        await using var look = Command("""
            select id, expires_at <= $2 from stories where work_id = $1 and work = 'Pending' and (claimed_until is null or claimed_until <= $2)
            """, workId, now);
        await using var row = await look.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? (null, row.GetBoolean(1) ? ClaimLoss.Expired : ClaimLoss.GivenUp, row.GetGuid(0))
            : (null, ClaimLoss.NothingToDo, Guid.Empty);
    }

    /// <summary>Renews the lease and tells the author how far it is.</summary>
    /// <returns>False when the claim is lost: withdrawn, expired, or taken over.</returns>
    public Task<bool> RenewAsync(StoryClaim claim, Stage stage, int percent, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        return ChangesAsync("""
            update stories set claimed_until = $3, stage = $5, percent = $6
            where id = $1 and attempt = $2 and work = 'Pending' and expires_at > $4
            """, cancellationToken, claim.Story, claim.Attempt, now + Lease, now, stage.ToString(), percent);
    }

    /// <summary>A graceful stop, or trouble of ours: the next one may start at once.</summary>
    public Task<bool> ReleaseAsync(StoryClaim claim, bool returnAttempt, CancellationToken cancellationToken) => ChangesAsync("""
        update stories set claimed_until = null, attempt = attempt - $3, stage = 'Waiting', percent = 0 where id = $1 and attempt = $2 and work = 'Pending'
        """, cancellationToken, claim.Story, claim.Attempt, returnAttempt ? 1 : 0);

    public Task<bool> FinishAsync(StoryClaim claim, CancellationToken cancellationToken) => ChangesAsync("""
        update stories set work = 'Done', claimed_until = null, stage = 'Done', percent = 100 where id = $1 and attempt = $2 and work = 'Pending'
        """, cancellationToken, claim.Story, claim.Attempt);

    /// <summary>
    /// Ends the work for good. A story that is live stays so with what it has; another one keeps nothing but its state and code.
    /// </summary>
    /// <returns>False when the claim is lost.</returns>
    public Task<bool> EndAsync(StoryClaim claim, StoryState state, string? code, CancellationToken cancellationToken) =>
        EndAsync(claim.Story, "attempt = $4", claim.Attempt, state, code, cancellationToken);

    /// <summary>The same for work that nobody holds.</summary>
    /// <returns>False when somebody took it meanwhile.</returns>
    public Task<bool> EndUnclaimedAsync(Guid story, StoryState state, string? code, CancellationToken cancellationToken) =>
        EndAsync(story, "(claimed_until is null or claimed_until <= $4)", clock.GetUtcNow(), state, code, cancellationToken);

    /// <summary>What became of a claim that does not hold any more.</summary>
    public async Task<ClaimEnd> FindEndAsync(StoryClaim claim, CancellationToken cancellationToken)
    {
        await using var command = Command("""
            select s.attempt = $2 and s.work = 'Pending', s.state = 'Withdrawn', s.expires_at <= $3 or b.state <> 'Open'
            from stories s join buckets b on b.id = s.bucket_id where s.id = $1
            """, claim.Story, claim.Attempt, clock.GetUtcNow());
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken)) return ClaimEnd.TakenOver;
        if (row.GetBoolean(1)) return ClaimEnd.Withdrawn;
        if (!row.GetBoolean(0)) return ClaimEnd.TakenOver;
        return row.GetBoolean(2) ? ClaimEnd.Expired : ClaimEnd.Ours;
    }

    private Task<bool> EndAsync(Guid story, string condition, object value, StoryState state, string? code, CancellationToken cancellationToken) => ChangesAsync($"""
        update stories set work = 'Done', claimed_until = null, stage = 'Done',
            state = case when state = 'Live' then state else $2 end,
            code = case when state = 'Live' then code else $3 end,
            manifest = case when state = 'Live' then manifest end, signature = case when state = 'Live' then signature end,
            key_envelope = case when state = 'Live' then key_envelope end, payload = case when state = 'Live' then payload end
        where id = $1 and work = 'Pending' and {condition}
        """, cancellationToken, story, state.ToString(), (object?)code ?? DBNull.Value, value);

    private async Task<bool> ChangesAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    private NpgsqlCommand Command(string sql, params object[] values)
    {
        var command = database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(value is DBNull
                ? new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text }
                : new NpgsqlParameter { Value = value });
        }
        return command;
    }
}
