using Microsoft.EntityFrameworkCore;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Sponsored;

/// <summary>
/// Somebody has everything that the service holds, in the order in which it lies on disk and with the transactions that wrote it, and wants to
/// know who saw what. Each planted viewer sees a line that nobody else sees.
/// </summary>
public sealed class RecordPrivacyTests(LocalServers servers)
{
    private const int Viewers = 100;
    private const int Days = 7;

    // Of a hundred drawn by chance one is right in the mean, and ten or more in one of ten million dumps; who is drawn stands 33 places from
    // where they are, give or take 2.4.
    private const int MostByChance = 9;
    private const double LeastPlacesOff = 20;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_dump_of_everything_links_no_viewer_to_what_was_shown_better_than_chance()
    {
        await using var service = await Booked.StartAsync(servers, ("Records:ReleaseAfter", "00:15:00"));
        // No midnight comes between the submissions of a day.
        service.Clock.MoveTo(new DateTimeOffset(service.Clock.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero).AddDays(1).AddHours(8.5));
        var first = await Booked.BookAsync(service);
        var planted = new List<(string User, Booked Line)>();
        for (var i = 0; i < Viewers; i++) planted.Add(($"planted-{Guid.NewGuid():N}", await Booked.BookAsync(service, beside: first)));
        // What others do with records: a row for each, as it comes.
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("create table naive (line uuid)", Cancel));
        var ids = new Dictionary<Guid, string>();

        for (var day = 0; day < Days; day++)
        {
            service.Clock.Advance(TimeSpan.FromDays(1));
            var today = planted.ToArray();
            new Random(day).Shuffle(today);
            await Parallel.ForEachAsync(planted, Cancel, async (viewer, _) => await viewer.Line.IssueAsync());
            foreach (var (user, line) in today)
            {
                var record = line.Record(Math.Min(day + 1, AdRecord.MaxOrdinal)) with { Action = AdAction.OpenUrl };
                ids[record.Id] = user;
                await Booked.SubmitAsync(service, user, record);
                await service.ReadAsync(db => db.Database.ExecuteSqlAsync($"insert into naive (line) values ({line.Line})", Cancel));
            }
            if (day == Days - 1) break;
            service.Clock.Advance(TimeSpan.FromMinutes(16));
            await Booked.FoldAsync(service);
        }

        var truth = planted.ToDictionary(p => p.User, p => p.Line.Line);
        var quotas = await Tables.ReadAsync(service.Database, "select \"user\" from record_quotas where day = (select max(day) from record_quotas) order by xmin::text::bigint, ctid", Cancel);
        Assert.Equal(Viewers, quotas.Count);

        // The counter-proof: where each record lies as it came, the n-th account is the n-th record's.
        var naive = (await Tables.ReadAsync(service.Database, "select line::text from naive order by xmin::text::bigint, ctid", Cancel)).TakeLast(Viewers).Select(Guid.Parse).ToList();
        var found = Join(quotas, naive, truth);
        Assert.True(found.Right == Viewers, $"The attack finds {found.Right}, {found.PlacesOff} places off, where records lie as they came.");

        // Those that wait now, in the order in which they do.
        var waiting = await service.ReadAsync(db => db.RecordPools.AsNoTracking().OrderBy(p => p.OpenedAt).ToListAsync(Cancel));
        AssertChance(Join(quotas, [.. waiting.SelectMany(p => p.Entries).Select(e => PooledEntry.Read(e).Record!.Line)], truth));

        service.Clock.Advance(TimeSpan.FromMinutes(16));
        await Booked.FoldAsync(service);

        // Those that were counted: ids, and every kind of sum, as it was written last.
        var counted = await Tables.ReadAsync(service.Database, "select id::text from counted_records order by xmin::text::bigint, ctid", Cancel);
        AssertChance(Join(quotas, [.. counted.TakeLast(Viewers).Select(id => truth[ids[Guid.Parse(id)]])], truth));
        foreach (var table in (string[])["counts where counter = 'received'", "counts where counter = 'action.openUrl'", "transfers where line_id is not null"])
            AssertChance(Join(quotas, [.. (await Tables.ReadAsync(service.Database, $"select line_id::text from {table} order by xmin::text::bigint, ctid", Cancel)).TakeLast(Viewers).Select(Guid.Parse)], truth));
        AssertChance(Join(quotas, [.. (await Tables.ReadAsync(service.Database, "select id::text from lines order by xmin::text::bigint, ctid", Cancel)).Select(Guid.Parse).Where(truth.ContainsValue).TakeLast(Viewers)], truth));

        // And nothing names both.
        var lines = truth.Values.ToDictionary(l => l.ToString());
        foreach (var (table, rows) in await Tables.AllRowsAsync(service.Database, Cancel))
            foreach (var row in rows.Where(r => r.Contains("planted-", StringComparison.Ordinal)))
                Assert.True(table == "record_quotas" && !lines.Keys.Any(row.Contains) && !ids.Keys.Any(id => row.Contains(id.ToString(), StringComparison.Ordinal)), table);
        Assert.DoesNotContain(service.Log.Lines, l => l.Contains("planted-", StringComparison.Ordinal) || lines.Keys.Any(l.Contains));
    }

    [Fact]
    public async Task What_comes_first_into_a_new_pool_does_not_stand_alone()
    {
        await using var service = await Booked.StartAsync(servers, ("Records:ReleaseAfter", "01:00:00"), ("Records:ReleaseAt", "60"), ("Records:Remain", "40"));
        var booked = await Booked.BookAsync(service);
        for (var i = 0; i < 200; i++)
        {
            await Booked.SubmitAsync(service, $"viewer-{i}", booked.Record());
            var waiting = await service.ReadAsync(async db => (await db.RecordPools.AsNoTracking().SingleAsync(p => p.IsOpen, Cancel)).Entries.Length);
            Assert.InRange(waiting, Math.Min(i + 1, 40), 59);
        }
        await service.ReadAsync(async db =>
        {
            foreach (var pool in await db.RecordPools.AsNoTracking().ToListAsync(Cancel)) Assert.Equal(pool.Entries.Select(Convert.ToHexString).Order(StringComparer.Ordinal), pool.Entries.Select(Convert.ToHexString));
            return true;
        });
        service.Clock.Advance(TimeSpan.FromHours(1));
        await Booked.FoldAsync(service);
        Assert.Equal(200, (await Booked.CountsAsync(service))["valid"]);
        Assert.Equal(0, await service.ReadAsync(db => db.RecordPools.CountAsync(Cancel)));
    }

    /// <summary>The n-th account is taken for whose the n-th record is.</summary>
    private static (int Right, double PlacesOff) Join(List<string> accounts, List<Guid> records, Dictionary<string, Guid> truth)
    {
        Assert.Equal(accounts.Count, records.Count);
        var place = records.Index().ToDictionary(r => r.Item, r => r.Index);
        var off = accounts.Index().Select(a => Math.Abs(place[truth[a.Item]] - a.Index)).ToList();
        return (off.Count(o => o == 0), off.Average());
    }

    private static void AssertChance((int Right, double PlacesOff) join)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"{join.Right} right, {join.PlacesOff:0.0} places off");
        Assert.InRange(join.Right, 0, MostByChance);
        Assert.True(join.PlacesOff > LeastPlacesOff, $"They stand {join.PlacesOff} places off, as if drawn from where they are.");
    }
}
