using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Core.Jobs;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Worker.Sponsored;

/// <summary>
/// Counts closed pools, each in one transaction with the money that it moves: what was counted is gone from the pool, or neither is so.
/// Any number of workers may be at it; each takes pools that no other has. Everybody locks in the same order: ids of records, then rows as
/// <see cref="DropCatalogs"/> says, then sums.
/// </summary>
public sealed class FoldRecords(StoriesDb db, RecordPools pools, TimeProvider clock, ILogger<FoldRecords> log) : IFoldRecords
{
    private const int Tries = 5;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await pools.CloseDueAsync(clock.GetUtcNow(), cancellationToken);
        while (await TryFoldAsync(cancellationToken) is { } records) log.LogInformation("Counted a pool of {Records} records.", records);
    }

    /// <returns>Null: there is none, or others have them.</returns>
    private async Task<int?> TryFoldAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await FoldOneAsync(cancellationToken);
            }
            // Should somebody take locks in another order after all: nothing has happened yet.
            catch (Exception e) when (attempt < Tries && e.GetBaseException() is PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure })
            {
                db.ChangeTracker.Clear();
            }
        }
    }

    private async Task<int?> FoldOneAsync(CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var pool = (await db.RecordPools.FromSql($"select * from record_pools where not is_open order by opened_at, id limit 1 for update skip locked").AsNoTracking().ToListAsync(cancellationToken)).SingleOrDefault();
        if (pool is null) return null;
        PooledEntry[] entries = [.. pool.Entries.Select(PooledEntry.Read)];
        var records = entries.Where(e => e.Record is not null).Select(e => (Record: e.Record!, Arrived: DateTimeOffset.FromUnixTimeSeconds(e.Arrived))).ToList();

        var unseen = await RememberAsync([.. records.Where(r => !r.Record.IsLate(r.Arrived))], cancellationToken);
        var facts = await ReadFactsAsync([.. records.Select(r => r.Record)], cancellationToken);
        var fold = new Fold(facts);
        // The second of two in one pool finds the id taken, as it would in another.
        foreach (var (record, arrived) in records) fold.Count(record, arrived, unseen.Remove(record.Id));
        await SettleAsync(pool.Id, fold, cancellationToken);
        await AddCountsAsync(fold.Counts, cancellationToken);
        await AddTalliesAsync([.. entries.Where(e => e.Tally is not null).Select(e => e.Tally!)], cancellationToken);
        CrashPoints.Hit("fold:counted");
        await db.RecordPools.Where(p => p.Id == pool.Id).ExecuteDeleteAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        CrashPoints.Hit("fold:committed");
        db.ChangeTracker.Clear();
        return records.Count;
    }

    /// <returns>Those that nobody has counted.</returns>
    private async Task<HashSet<Guid>> RememberAsync(List<(AdRecord Record, DateTimeOffset Arrived)> records, CancellationToken cancellationToken)
    {
        var first = records.DistinctBy(r => r.Record.Id).ToList();
        Guid[] ids = [.. first.Select(r => r.Record.Id)];
        DateOnly[] days = [.. first.Select(r => DateOnly.FromDateTime(r.Arrived.UtcDateTime))];
        return [.. await db.Database.SqlQuery<Guid>($"""
            insert into counted_records (id, day) select id, day from unnest({ids}, {days}) as new (id, day) order by id
            on conflict (id) do nothing returning id as "Value"
            """).ToListAsync(cancellationToken)];
    }

    private async Task<FoldFacts> ReadFactsAsync(IReadOnlyList<AdRecord> records, CancellationToken cancellationToken)
    {
        Guid[] named = [.. records.Select(r => r.Line).Distinct()];
        string[] digests = [.. records.Select(r => r.Creative).Distinct()];
        var lines = await db.Lines.AsNoTracking().Where(l => named.Contains(l.Id)).ToListAsync(cancellationToken);
        Guid[] advertisers = [.. lines.Select(l => l.AdvertiserId).Distinct()];
        var creatives = await db.Creatives.AsNoTracking().Where(c => c.Digest != null && digests.Contains(c.Digest) && advertisers.Contains(c.AdvertiserId))
            .Select(c => new { c.AdvertiserId, c.Digest, c.Duration, c.Facts }).ToListAsync(cancellationToken);
        var catalogs = records.Select(r => (r.Cell, r.Epoch)).Distinct().ToList();
        string[] cells = [.. catalogs.Select(c => c.Cell)];
        long[] epochs = [.. catalogs.Select(c => c.Epoch)];
        // A catalog holds up to a thousand lines, of which few are named.
        var issued = await db.Database.SqlQuery<IssuedLine>($"""
            select distinct c.cell, c.epoch, line from catalogs c join unnest({cells}, {epochs}) as asked (cell, epoch) on c.cell = asked.cell and c.epoch = asked.epoch
            cross join unnest(c.lines) as line where line = any ({named})
            """).ToListAsync(cancellationToken);
        return new FoldFacts(
            lines.ToDictionary(l => l.Id, l => new FoldLine(l.Id, l.CampaignId, l.AdvertiserId, l.Terms)),
            creatives.DistinctBy(c => (c.AdvertiserId, c.Digest)).ToDictionary(
                c => (c.AdvertiserId, c.Digest!), c => new FoldCreative(c.Duration is { } length ? TimeSpan.FromMilliseconds(length) : null, c.Facts.CallToAction.Kind)),
            issued.Select(i => (i.Cell, i.Epoch, i.Line)).ToHashSet());
    }

    private async Task SettleAsync(Guid pool, Fold fold, CancellationToken cancellationToken)
    {
        FoldLine[] lines = [.. fold.LinesToSettle];
        Guid[] ids = [.. lines.Select(l => l.Id)], advertisers = [.. lines.Select(l => l.Advertiser).Distinct()], campaigns = [.. lines.Select(l => l.Campaign).Distinct()];
        var (money, now) = (new FoldMoney(), clock.GetUtcNow());
        var wallets = await db.Wallets.FromSql($"select * from wallets where advertiser_id = any ({advertisers}) order by advertiser_id for update").AsNoTracking().ToDictionaryAsync(w => w.AdvertiserId, cancellationToken);
        foreach (var wallet in wallets.Values) money.KnowWallet(wallet.AdvertiserId, wallet.Balance);
        foreach (var campaign in await db.Campaigns.FromSql($"select * from campaigns where id = any ({campaigns}) order by id for update").AsNoTracking().ToListAsync(cancellationToken))
            money.KnowCampaign(campaign.Id, campaign.BudgetMicros, campaign.SettledMicros);
        foreach (var line in await db.Lines.FromSql($"select * from lines where id = any ({ids}) order by id for update").AsNoTracking().ToListAsync(cancellationToken))
            money.Know(new FoldLine(line.Id, line.CampaignId, line.AdvertiserId, line.Terms), line.Billed, line.SettledMicros);
        foreach (var day in await db.LineDays.FromSql($"select * from line_days where line_id = any ({ids}) order by line_id, day for update").AsNoTracking().ToListAsync(cancellationToken))
            money.KnowDay(day.LineId, day.Day, day.SettledMicros, day.BudgetMicros, now);

        var charges = fold.Settle(money);
        if (charges.Count == 0) return;
        await ChargeAsync(charges, money, cancellationToken);
        foreach (var line in charges.GroupBy(c => c.Line.Id).Where(c => c.Sum(charge => charge.Amount) > 0))
            db.Transfers.Add(Transfer.Settle(Guid.NewGuid(), wallets[line.First().Line.Advertiser], line.Sum(c => c.Amount), line.Key, $"fold:{pool:N}:{line.Key:N}", now));
        await db.SaveChangesAsync(cancellationToken);
    }

    private async Task ChargeAsync(IReadOnlyList<Charge> charges, FoldMoney money, CancellationToken cancellationToken)
    {
        var ordered = charges.OrderBy(c => c.Line.Id).ThenBy(c => c.Day).ToList();
        Guid[] lines = [.. ordered.Select(c => c.Line.Id)], campaigns = [.. ordered.Select(c => c.Line.Campaign)], advertisers = [.. ordered.Select(c => c.Line.Advertiser)];
        DateOnly[] days = [.. ordered.Select(c => c.Day)];
        long[] views = [.. ordered.Select(c => c.Views)], amounts = [.. ordered.Select(c => c.Amount)];
        long?[] budgets = [.. ordered.Select(c => money.BudgetOf(c.Line, c.Day))];
        await db.Database.ExecuteSqlAsync($"""
            update wallets w set balance = w.balance - s.amount
            from (select id, sum(amount)::bigint as amount from unnest({advertisers}, {amounts}) as c (id, amount) group by id) s where w.advertiser_id = s.id
            """, cancellationToken);
        await db.Database.ExecuteSqlAsync($"""
            update campaigns p set settled_micros = p.settled_micros + s.amount
            from (select id, sum(amount)::bigint as amount from unnest({campaigns}, {amounts}) as c (id, amount) group by id) s where p.id = s.id
            """, cancellationToken);
        await db.Database.ExecuteSqlAsync($"""
            update lines l set billed = l.billed + s.views, settled_micros = l.settled_micros + s.amount
            from (select id, sum(views)::bigint as views, sum(amount)::bigint as amount from unnest({lines}, {views}, {amounts}) as c (id, views, amount) group by id) s where l.id = s.id
            """, cancellationToken);
        // A budget that was lowered below what the day has had already changes nothing of that.
        await db.Database.ExecuteSqlAsync($"""
            insert into line_days as d (line_id, day, budget_micros, billed, settled_micros)
            select * from unnest({lines}, {days}, {budgets}, {views}, {amounts})
            on conflict (line_id, day) do update set
                budget_micros = case when excluded.budget_micros is not null then greatest(excluded.budget_micros, d.settled_micros + excluded.settled_micros) end,
                billed = d.billed + excluded.billed, settled_micros = d.settled_micros + excluded.settled_micros
            """, cancellationToken);
    }

    private async Task AddCountsAsync(IReadOnlyDictionary<CountKey, long> counts, CancellationToken cancellationToken)
    {
        var ordered = counts.ToList();
        await using var add = new NpgsqlCommand("""
            insert into counts as c (line_id, hour, cell, creative, counter, value)
            select line_id, hour, cell, creative, counter, value from unnest($1, $2, $3, $4, $5, $6) as new (line_id, hour, cell, creative, counter, value)
            order by line_id, hour, cell, creative, counter
            on conflict (line_id, hour, cell, creative, counter) do update set value = c.value + excluded.value
            """, (NpgsqlConnection)db.Database.GetDbConnection())
        {
            Parameters =
            {
                Column(ordered.Select(c => c.Key.Line), NpgsqlDbType.Uuid), Column(ordered.Select(c => c.Key.Hour), NpgsqlDbType.TimestampTz),
                Column(ordered.Select(c => c.Key.Cell), NpgsqlDbType.Text), Column(ordered.Select(c => c.Key.Creative), NpgsqlDbType.Text),
                Column(ordered.Select(c => c.Key.Counter), NpgsqlDbType.Text), Column(ordered.Select(c => c.Value), NpgsqlDbType.Bigint),
            },
        };
        await add.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>For cells that somebody has asked for: no made-up name makes a row.</summary>
    private async Task AddTalliesAsync(IReadOnlyList<OpportunityTally> tallies, CancellationToken cancellationToken)
    {
        if (tallies.Count == 0) return;
        var sums = tallies.GroupBy(t => (t.Cell, t.Hour)).ToList();
        string[] cells = [.. sums.Select(s => s.Key.Cell)];
        DateTimeOffset[] hours = [.. sums.Select(s => DateTimeOffset.FromUnixTimeSeconds(s.Key.Hour))];
        long[] opportunities = [.. sums.Select(s => s.Sum(t => t.ScaledUp))];
        await db.Database.ExecuteSqlAsync($"""
            insert into cell_hours as h (cell, hour, fetches, opportunities)
            select cell, hour, 0, opportunities from unnest({cells}, {hours}, {opportunities}) as new (cell, hour, opportunities)
            where exists (select 1 from cell_hours known where known.cell = new.cell) order by cell, hour
            on conflict (cell, hour) do update set opportunities = h.opportunities + excluded.opportunities
            """, cancellationToken);
    }

    private static NpgsqlParameter Column<T>(IEnumerable<T> values, NpgsqlDbType type) => new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type };

    private sealed record IssuedLine(string Cell, long Epoch, Guid Line);
}
