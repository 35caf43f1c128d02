using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Core.Sponsored;
using Stories.Protocol;

namespace Stories.Api.Sponsored;

/// <summary>
/// Takes what devices submit, together with all that comes at the same time: first the quotas of all of them, in the order of their
/// names, then their records, in the order of random numbers. One at a time writes; the more wait, the more go with the next.
/// </summary>
internal sealed class RecordIntake(NpgsqlDataSource database, RecordPools pools, IOptions<RecordOptions> options, TimeProvider clock, ILogger<RecordIntake> log) : BackgroundService
{
    private const int MostWaiting = 4096;
    private const int MostAtOnce = 256;

    private static readonly string Count = $"""
        with staying as (select * from unnest($1, $2, $3) as new (app, name, records) where {DepartureGate.IsStaying("new.app", "new.name")}),
        counted as (
            insert into record_quotas as quota (app, "user", day, records)
            select app, name, $4, records from staying where records <= $5 order by app, name
            on conflict (app, "user", day) do update set records = quota.records + excluded.records where quota.records + excluded.records <= $5
            returning app, "user" as name)
        select staying.app, staying.name, counted.app is not null from staying left join counted on counted.app = staying.app and counted.name = staying.name
        """;

    private const string GiveBack = """
        update record_quotas quota set records = quota.records - new.records from unnest($1, $2, $3) as new (app, name, records)
        where quota.app = new.app and quota."user" = new.name and quota.day = $4
        """;

    private readonly Channel<Submission> waiting = Channel.CreateBounded<Submission>(MostWaiting);

    /// <returns>The code of a refusal: then nothing of it was kept.</returns>
    public async Task<string?> TakeAsync(UserName caller, IReadOnlyList<byte[]> entries, CancellationToken cancellationToken)
    {
        var submission = new Submission(caller, entries);
        if (!waiting.Writer.TryWrite(submission)) return ProblemCodes.Unavailable;
        // Whoever hangs up after this is served all the same: what is shown was shown.
        return await submission.Answer.Task.WaitAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var next = new Queue<Submission>();
        var keeping = Task.CompletedTask;
        try
        {
            while (next.Count > 0 || await waiting.Reader.WaitToReadAsync(stoppingToken))
            {
                // Quotas of some are counted while records of those before them are put into the pool.
                var (now, batch) = (clock.GetUtcNow(), Gather(next));
                var within = await CountAsync(batch, now);
                await keeping;
                keeping = KeepAsync(within, now);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Nobody is left unanswered; a device submits again what was not taken.
        }
        await keeping;
        waiting.Writer.Complete();
        foreach (var left in next) left.Answer.TrySetResult(ProblemCodes.Unavailable);
        while (waiting.Reader.TryRead(out var left)) left.Answer.TrySetResult(ProblemCodes.Unavailable);
    }

    /// <summary>What waits, one of each account: a quota's row is written once in a statement. Another of the same goes with the next.</summary>
    private List<Submission> Gather(Queue<Submission> next)
    {
        var batch = new Dictionary<UserName, Submission>();
        for (var i = next.Count; i > 0; i--)
        {
            var again = next.Dequeue();
            if (batch.Count >= MostAtOnce || !batch.TryAdd(again.Caller, again)) next.Enqueue(again);
        }
        while (batch.Count < MostAtOnce && next.Count < MostAtOnce && waiting.Reader.TryRead(out var submission))
            if (!batch.TryAdd(submission.Caller, submission)) next.Enqueue(submission);
        return [.. batch.Values];
    }

    /// <returns>Those whose quota holds it; the others are answered.</returns>
    private async Task<List<Submission>> CountAsync(List<Submission> batch, DateTimeOffset now)
    {
        try
        {
            // A request that is cut off must not cut off the others' transaction.
            await using var connection = await database.OpenConnectionAsync();
            // One way there and back, and one transaction: a batch is one.
            await using var commands = new NpgsqlBatch(connection)
            {
                BatchCommands = { new(DepartureGate.Hold), With(new(Count), batch, Day(now), new NpgsqlParameter { Value = options.Value.PerDay }) },
            };
            var within = new Dictionary<UserName, bool>();
            await using (var reader = await commands.ExecuteReaderAsync())
            {
                await reader.NextResultAsync();
                while (await reader.ReadAsync()) within[new UserName(reader.GetString(0), reader.GetString(1))] = reader.GetBoolean(2);
            }
            // Who is being erased is not among them.
            foreach (var refused in batch.Where(s => !within.GetValueOrDefault(s.Caller)))
                refused.Answer.TrySetResult(within.ContainsKey(refused.Caller) ? ProblemCodes.QuotaRecords : ProblemCodes.Unavailable);
            return [.. batch.Where(s => within.GetValueOrDefault(s.Caller))];
        }
        catch (Exception e)
        {
            Fail(batch, e);
            return [];
        }
    }

    private async Task KeepAsync(List<Submission> batch, DateTimeOffset now)
    {
        if (batch.Count == 0) return;
        bool isFull;
        try
        {
            isFull = await pools.AddAsync([.. batch.SelectMany(s => s.Entries)], now, CancellationToken.None);
        }
        catch (Exception e)
        {
            await GiveBackAsync(batch, Day(now));
            Fail(batch, e);
            return;
        }
        try
        {
            if (isFull) await pools.CloseFullAsync(CancellationToken.None);
        }
        catch (Exception e)
        {
            // Whoever comes next tries it again, and a worker closes it when it is due.
            log.LogWarning("A full pool could not be closed: {Trouble}.", Trouble.Of(e));
        }
        foreach (var taken in batch) taken.Answer.TrySetResult(null);
    }

    private void Fail(List<Submission> batch, Exception e)
    {
        log.LogError("Records of {Submissions} submissions could not be kept: {Trouble}.", batch.Count, Trouble.Of(e));
        foreach (var failed in batch) failed.Answer.TrySetResult(ProblemCodes.Unavailable);
    }

    private async Task GiveBackAsync(List<Submission> batch, DateOnly day)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync();
            await using var commands = new NpgsqlBatch(connection) { BatchCommands = { With(new(GiveBack), batch, day) } };
            await commands.ExecuteNonQueryAsync();
        }
        catch (Exception e)
        {
            // The account has some fewer for today; nobody is billed wrongly.
            log.LogWarning("Quotas of {Submissions} submissions could not be given back: {Trouble}.", batch.Count, Trouble.Of(e));
        }
    }

    private static DateOnly Day(DateTimeOffset now) => DateOnly.FromDateTime(now.UtcDateTime);

    private static NpgsqlBatchCommand With(NpgsqlBatchCommand command, List<Submission> batch, DateOnly day, params ReadOnlySpan<NpgsqlParameter> more)
    {
        command.Parameters.Add(new NpgsqlParameter { Value = batch.Select(s => s.Caller.App).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = batch.Select(s => s.Caller.User).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = batch.Select(s => s.Entries.Count).ToArray() });
        command.Parameters.Add(new NpgsqlParameter { Value = day, NpgsqlDbType = NpgsqlDbType.Date });
        foreach (var parameter in more) command.Parameters.Add(parameter);
        return command;
    }

    private sealed record Submission(UserName Caller, IReadOnlyList<byte[]> Entries)
    {
        public TaskCompletionSource<string?> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
