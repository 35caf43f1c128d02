using Npgsql;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Worker.Processing;

/// <summary>The right to work on one story for a while; whoever holds an older claim changes nothing any more.</summary>
/// <param name="StartedAt">Tells this claim from others: attempts are given back, and so their numbers come again.</param>
public sealed record StoryClaim(
    Guid Story, Guid WorkId, Guid Bucket, string Container, DateTimeOffset BucketEndsAt, DateTimeOffset ExpiresAt, Level Level, Lane Lane, byte[] Manifest, string ManifestSha256,
    int Revision, byte[]? Unfinished, int Percent, int Attempt, DateTimeOffset StartedAt, RenderWishes Wishes)
{
    /// <summary>Started as often as allowed and never finished.</summary>
    public bool IsUsedUp => Attempt > Core.Posting.Story.MaxAttempts;
}

public enum ClaimEnd
{
    /// <summary>It does hold: whatever made it look lost was trouble of ours.</summary>
    Ours,

    /// <summary>By its author, or taken down; the input is to go too.</summary>
    Withdrawn,

    /// <summary>Its time, or its bucket's, ran out.</summary>
    Expired,

    /// <summary>Another worker has it, which still needs the input; or it is done; or the story is erased.</summary>
    TakenOver,
}

/// <summary>The transitions that several processes could race for, each one conditional statement.</summary>
public sealed class StoryClaims(NpgsqlDataSource database, TimeProvider clock)
{
    private const string First = "s.revision = 0";

    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>
    /// From trouble of ours to the next attempt, however many turns come meanwhile: storage that is away for a moment must not
    /// use up the attempts. Shorter than Hangfire's delay before it repeats a turn, which it cuts to whole seconds.
    /// </summary>
    public static readonly TimeSpan Rest = TimeSpan.FromSeconds(4);

    internal static readonly string TakeFirst = Take(First);
    private static readonly string TakeFurther = Take("s.revision > 0");

    /// <summary>
    /// Claims the story whose turn it is on a lane: those that viewers cannot see yet before those that wait for more; of these
    /// the app's whose work began longest ago; of its authors the one who has waited longest, since work for them last began or
    /// their story was accepted; of their stories the oldest. Never waits for another worker, and never takes the same as one.
    /// The attempt is counted before the media is touched: a file that kills the process uses its attempts up.
    /// </summary>
    /// <returns>Null when nothing waits.</returns>
    public async Task<StoryClaim?> TakeAsync(Lane lane, CancellationToken cancellationToken) =>
        await TakeAsync(TakeFirst, lane, cancellationToken) ?? await TakeAsync(TakeFurther, lane, cancellationToken);

    /// <summary>Whether a story of the lane waits of which viewers see nothing yet.</summary>
    public async Task<bool> IsFirstAwaitedAsync(Lane lane, CancellationToken cancellationToken)
    {
        await using var command = Command($"select exists (select from stories s where {Waits(First)})", lane.ToString(), clock.GetUtcNow());
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>Renews the lease and tells the author how far it is.</summary>
    /// <returns>False when the claim is lost: withdrawn, expired, or taken over.</returns>
    public Task<bool> RenewAsync(StoryClaim claim, Stage stage, int percent, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        return ChangesAsync("""
            update stories set claimed_until = $3, stage = $5, percent = $6
            where id = $1 and started_at = $2 and work = 'Pending' and expires_at > $4
            """, cancellationToken, claim.Story, claim.StartedAt, now + Lease, now, stage.ToString(), percent);
    }

    /// <summary>Between revisions: others first. Whoever steps back queues its next turn; if that was lost, the sweep does.</summary>
    public Task<bool> StepBackAsync(StoryClaim claim, CancellationToken cancellationToken) => ChangesAsync("""
        update stories set claimed_until = null, attempt = attempt - 1, stage = 'Waiting'
        where id = $1 and started_at = $2 and work = 'Pending' and claimed_until is not null
        """, cancellationToken, claim.Story, claim.StartedAt);

    /// <summary>A graceful stop: the attempt is given back, and the next may start at once.</summary>
    public Task<bool> ReturnAsync(StoryClaim claim, CancellationToken cancellationToken) => ChangesAsync("""
        update stories set claimed_until = null, attempt = attempt - 1, stage = 'Waiting', percent = 0
        where id = $1 and started_at = $2 and work = 'Pending' and claimed_until is not null
        """, cancellationToken, claim.Story, claim.StartedAt);

    /// <summary>Trouble of ours: the next attempt may start after a rest.</summary>
    /// <param name="counts">Whether this one does.</param>
    public Task<bool> ReleaseAsync(StoryClaim claim, bool counts, CancellationToken cancellationToken) => ChangesAsync("""
        update stories set claimed_until = $3, attempt = attempt - $4, stage = 'Waiting', percent = 0 where id = $1 and started_at = $2 and work = 'Pending'
        """, cancellationToken, claim.Story, claim.StartedAt, clock.GetUtcNow() + Rest, counts ? 0 : 1);

    public Task<bool> FinishAsync(StoryClaim claim, CancellationToken cancellationToken) => ChangesAsync("""
        update stories set work = 'Done', claimed_until = null, stage = 'Done', percent = 100, unfinished = null where id = $1 and started_at = $2 and work = 'Pending'
        """, cancellationToken, claim.Story, claim.StartedAt);

    /// <summary>
    /// Ends the work for good. A story that is live stays so with what it has; another one keeps nothing but its state and code.
    /// </summary>
    /// <returns>False when the claim is lost.</returns>
    public Task<bool> EndAsync(StoryClaim claim, StoryState state, string? code, CancellationToken cancellationToken) => ChangesAsync("""
        update stories set work = 'Done', claimed_until = null, stage = 'Done', unfinished = null,
            state = case when state = 'Live' then state else $3 end,
            code = case when state = 'Live' then code else $4 end,
            manifest = case when state = 'Live' then manifest end, signature = case when state = 'Live' then signature end,
            key_envelope = case when state = 'Live' then key_envelope end, payload = case when state = 'Live' then payload end
        where id = $1 and started_at = $2 and work = 'Pending'
        """, cancellationToken, claim.Story, claim.StartedAt, state.ToString(), (object?)code ?? DBNull.Value);

    /// <summary>What became of a claim that does not hold any more.</summary>
    public async Task<ClaimEnd> FindEndAsync(StoryClaim claim, CancellationToken cancellationToken)
    {
        await using var command = Command("""
            select s.started_at = $2 and s.work = 'Pending', s.state in ('Withdrawn', 'TakenDown'), s.expires_at <= $3 or b.state <> 'Open'
            from stories s join buckets b on b.id = s.bucket_id where s.id = $1
            """, claim.Story, claim.StartedAt, clock.GetUtcNow());
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken)) return ClaimEnd.TakenOver;
        if (row.GetBoolean(1)) return ClaimEnd.Withdrawn;
        if (!row.GetBoolean(0)) return ClaimEnd.TakenOver;
        return row.GetBoolean(2) ? ClaimEnd.Expired : ClaimEnd.Ours;
    }

    /// <summary>
    /// Costs a few index look-ups for each app that waits and for each waiting author of the one whose turn it is, however many
    /// stories there are. What another worker is just taking is passed over.
    /// </summary>
    private static string Take(string which)
    {
        var waits = Waits(which);
        return $"""
            with recursive apps as (
                (select s.app from stories s where {waits} order by s.app limit 1)
                union all
                select next.app from apps cross join lateral (
                    select s.app from stories s where {waits} and s.app > apps.app order by s.app limit 1) next
            ), turn as (
                select story.id from (
                    select a.app from apps a
                    order by (select max(s.started_at) from stories s where s.lane = $1 and s.app = a.app) nulls first, a.app
                ) app cross join lateral (
                    with recursive authors as (
                        (select s."user", s.accepted_at from stories s where {waits} and s.app = app.app order by s."user", s.accepted_at limit 1)
                        union all
                        select next.* from authors cross join lateral (
                            select s."user", s.accepted_at from stories s where {waits} and s.app = app.app and s."user" > authors."user"
                            order by s."user", s.accepted_at limit 1) next
                    )
                    select a."user" from authors a
                    order by greatest(a.accepted_at, (select max(s.started_at) from stories s where s.lane = $1 and s.app = app.app and s."user" = a."user"))
                ) author cross join lateral (
                    select s.id from stories s where {waits} and s.app = app.app and s."user" = author."user"
                    order by s.accepted_at limit 1 for update skip locked
                ) story limit 1
            )
            update stories s set attempt = s.attempt + 1, claimed_until = $3, started_at = $2, stage = 'Decrypting',
                percent = case when s.revision = 0 then 0 else s.percent end,
                state = case when s.state = 'Accepted' then 'Processing' else s.state end
            from turn, buckets b where s.id = turn.id and b.id = s.bucket_id
            returning s.id, s.work_id, s.bucket_id, b.container, b.ends_at, s.expires_at, s.level, s.lane, s.manifest, s.manifest_sha256, s.revision,
                s.unfinished, s.percent, s.attempt, s.started_at, s.wishes_avif, s.wishes_split, s.wishes_poster_at
            """;
    }

    private static string Waits(string which) => $"s.lane = $1 and s.work = 'Pending' and {which} and (s.claimed_until is null or s.claimed_until <= $2)";

    private async Task<StoryClaim?> TakeAsync(string sql, Lane lane, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await using var command = Command(sql, lane.ToString(), now, now + Lease);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? new StoryClaim(
                row.GetGuid(0), row.GetGuid(1), row.GetGuid(2), row.GetString(3), row.GetFieldValue<DateTimeOffset>(4), row.GetFieldValue<DateTimeOffset>(5),
                Enum.Parse<Level>(row.GetString(6)), Enum.Parse<Lane>(row.GetString(7)), (byte[])row[8], row.GetString(9), row.GetInt32(10),
                row[11] as byte[], row.GetInt32(12), row.GetInt32(13), row.GetFieldValue<DateTimeOffset>(14),
                new RenderWishes(row.GetBoolean(15), row.GetBoolean(16), row[17] as double?))
            : null;
    }

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
