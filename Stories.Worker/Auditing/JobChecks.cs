using System.Runtime.CompilerServices;
using System.Text.Json;
using Hangfire;

namespace Stories.Worker.Auditing;

/// <summary>Hangfire's tables. What they hold is dated by the database's time, as everything else is.</summary>
internal sealed class JobChecks(AuditRows rows, IBackgroundJobClient jobs)
{
    /// <summary>Hangfire looks each minute for what has expired.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromMinutes(5);

    /// <summary>Our jobs are deleted when they have failed for good; what is left failed cannot even be read, and never expires.</summary>
    private static readonly TimeSpan FailedFor = TimeSpan.FromDays(1);

    private const int Page = 500;

    /// <summary>
    /// A job may say the id of a bucket and nothing else; only told of, because whoever wrote it is what has to be mended. One that is
    /// still to come for a bucket that is gone is deleted.
    /// </summary>
    public async IAsyncEnumerable<Finding> ArgumentsAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var page = new List<JobRow>(Page);
        await foreach (var job in rows.ReadAsync(
            "select id, arguments::text, expireat is null, createdat from hangfire.job", row => new JobRow(row.GetInt64(0), row.GetString(1), row.GetBoolean(2), AuditRows.Time(row, 3)!.Value),
            cancellationToken))
        {
            look.Count++;
            page.Add(job);
            if (page.Count < Page) continue;
            await foreach (var finding in ArgumentsAsync(page, look, cancellationToken)) yield return finding;
            page.Clear();
        }
        await foreach (var finding in ArgumentsAsync(page, look, cancellationToken)) yield return finding;
    }

    public async IAsyncEnumerable<Finding> KeptTooLongAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        look.Count = await rows.CountAsync("select count(*) from hangfire.job where expireat is not null or statename = 'Failed'", cancellationToken);
        await foreach (var (id, expiredAt) in rows.ReadAsync(
            "select id, expireat from hangfire.job where expireat < $1", row => (row.GetInt64(0), AuditRows.Time(row, 1)), cancellationToken, look.Now - Late))
            yield return new Finding($"job {id}", expiredAt, cancel => rows.ChangeAsync("delete from hangfire.job where id = $1", cancel, id));
        await foreach (var (id, failedAt) in rows.ReadAsync("""
            select j.id, s.createdat from hangfire.job j join hangfire.state s on s.id = j.stateid where j.statename = 'Failed' and j.expireat is null and s.createdat < $1
            """, row => (row.GetInt64(0), AuditRows.Time(row, 1)), cancellationToken, look.Now - FailedFor))
            yield return new Finding($"job {id}", failedAt, _ => Task.FromResult(jobs.Delete($"{id}")));
    }

    /// <summary>Only told of: a living process may hold it, and nothing of ours waits for one.</summary>
    public async IAsyncEnumerable<Finding> LocksAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        look.Count = await rows.CountAsync("select count(*) from hangfire.lock", cancellationToken);
        await foreach (var (resource, since) in rows.ReadAsync(
            "select resource, acquired from hangfire.lock where acquired < $1", row => (row.GetString(0), AuditRows.Time(row, 1)), cancellationToken, look.Now - look.Grace))
            yield return new Finding($"lock {resource}", since);
    }

    private async IAsyncEnumerable<Finding> ArgumentsAsync(List<JobRow> page, Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var named = page.SelectMany(job => BucketsIn(job.Arguments) ?? []).Distinct().ToArray();
        var erasedAt = new Dictionary<Guid, DateTimeOffset?>();
        await foreach (var (id, when) in rows.ReadAsync(
            "select id, erased_at from buckets where id = any($1)", row => (row.GetGuid(0), AuditRows.Time(row, 1)), cancellationToken, named))
            erasedAt[id] = when;
        foreach (var job in page)
        {
            if (BucketsIn(job.Arguments) is not { } buckets)
            {
                yield return new Finding($"job {job.Id} says more than a bucket's id", job.MadeAt);
                continue;
            }
            // One that has ended goes within minutes.
            if (!job.IsToCome) continue;
            foreach (var bucket in buckets)
            {
                if (erasedAt.TryGetValue(bucket, out var gone) && gone is null) continue;
                // The sweep is often a little faster than the job.
                if (!look.IsYoung(gone ?? job.MadeAt)) yield return new Finding($"job {job.Id} for bucket {bucket}", gone ?? job.MadeAt, _ => Task.FromResult(jobs.Delete($"{job.Id}")));
            }
        }
    }

    /// <param name="arguments">A JSON array of texts, each JSON again; a cancellation token is null.</param>
    /// <returns>Null when there is anything else.</returns>
    private static List<Guid>? BucketsIn(string arguments)
    {
        using var parsed = JsonDocument.Parse(arguments);
        if (parsed.RootElement.ValueKind != JsonValueKind.Array) return null;
        var buckets = new List<Guid>();
        foreach (var argument in parsed.RootElement.EnumerateArray())
        {
            if (argument.ValueKind == JsonValueKind.Null) continue;
            if (argument.ValueKind != JsonValueKind.String || !Guid.TryParse(argument.GetString()!.Trim('"'), out var bucket)) return null;
            buckets.Add(bucket);
        }
        return buckets;
    }

    private sealed record JobRow(long Id, string Arguments, bool IsToCome, DateTimeOffset MadeAt);
}
