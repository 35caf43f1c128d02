using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>What lines really do, from everything that decides it.</summary>
internal sealed class LineStandings(StoriesDb db, TimeProvider clock)
{
    private static readonly TimeSpan InventorySpan = TimeSpan.FromDays(7);

    public async Task<LineView> ViewAsync(Line line, CancellationToken cancellationToken) => (await ViewAsync([line], cancellationToken))[0];

    /// <param name="lines">Of one advertiser.</param>
    public async Task<IReadOnlyList<LineView>> ViewAsync(IReadOnlyList<Line> lines, CancellationToken cancellationToken)
    {
        var creatives = await CreativesAsync([.. lines.Select(l => l.Id)], cancellationToken);
        var snapshots = await SnapshotsAsync(lines, creatives, cancellationToken);
        return [.. snapshots.Select(s => new LineView(
            s.Line.Id, s.Line.CampaignId, s.Line.Name, s.Line.Terms, s.Line.Status, s.Status, s.Blockers, [.. creatives[s.Line.Id].Select(c => c.Id)],
            s.Line.Billed, s.Line.SettledMicros, s.DaySettled, s.Line.CreatedAt, s.Line.ChangedAt))];
    }

    /// <summary>The same in full, for who tells more of it.</summary>
    public async Task<IReadOnlyList<LineSnapshot>> SnapshotsAsync(IReadOnlyList<Line> lines, CancellationToken cancellationToken) =>
        await SnapshotsAsync(lines, await CreativesAsync([.. lines.Select(l => l.Id)], cancellationToken), cancellationToken);

    private async Task<IReadOnlyList<LineSnapshot>> SnapshotsAsync(IReadOnlyList<Line> lines, ILookup<Guid, LinesCreative> creatives, CancellationToken cancellationToken)
    {
        if (lines.Count == 0) return [];
        var now = clock.GetUtcNow();
        var owner = lines[0].AdvertiserId;
        var advertiser = await db.Advertisers.AsNoTracking().SingleAsync(a => a.Id == owner, cancellationToken);
        var wallet = await db.Wallets.AsNoTracking().SingleAsync(w => w.AdvertiserId == owner, cancellationToken);
        var campaignIds = lines.Select(l => l.CampaignId).Distinct().ToList();
        var campaigns = await db.Campaigns.AsNoTracking().Where(c => campaignIds.Contains(c.Id)).ToDictionaryAsync(c => c.Id, cancellationToken);
        var settled = await DaysSettledAsync(lines, now, cancellationToken);
        var asked = await AskedForAsync(now, cancellationToken);
        var over = await OffersOverAsync(creatives.SelectMany(c => c), owner, Catalog.EpochAt(now), cancellationToken);
        var (epoch, issued, held) = await IssuedAsync(lines, now, cancellationToken);
        return [.. lines.Select(line => new LineSnapshot(line, campaigns[line.CampaignId], advertiser, wallet, [.. creatives[line.Id].Select(c => new CreativeStanding(c.State, c.ChangedAt, over.Contains(c.Id)))],
            settled.GetValueOrDefault(line.Id), asked.Any(cell => IsFor(cell, line.Terms.Targets)),
            // A line that was changed meanwhile is in the next.
            line.ChangedAt <= epoch && !held.Contains(line.Id) && issued.Any(cell => IsFor(cell, line.Terms.Targets)), now))];
    }

    private async Task<ILookup<Guid, LinesCreative>> CreativesAsync(IReadOnlyList<Guid> lines, CancellationToken cancellationToken) =>
        (await (from shown in db.LineCreatives
                join creative in db.Creatives on shown.CreativeId equals creative.Id
                where lines.Contains(shown.LineId)
                orderby creative.CreatedAt, creative.Id
                select new LinesCreative(shown.LineId, creative.Id, creative.State, creative.ChangedAt, creative.Facts)).ToListAsync(cancellationToken)).ToLookup(c => c.Line);

    /// <returns>The creatives whose offer no catalog of the epoch may hold.</returns>
    private async Task<HashSet<Guid>> OffersOverAsync(IEnumerable<LinesCreative> creatives, Guid owner, long epoch, CancellationToken cancellationToken)
    {
        var offers = creatives.Where(c => c.Facts.CallToAction.Offer is not null).Select(c => (c.Id, Offer: c.Facts.CallToAction.Offer!.Value)).ToList();
        if (offers.Count == 0) return [];
        var ids = offers.Select(o => o.Offer).ToArray();
        var kept = await db.Offers.AsNoTracking().Where(o => ids.Contains(o.Id) && o.AdvertiserId == owner).ToListAsync(cancellationToken);
        return [.. offers.Where(o => !kept.Exists(k => k.Id == o.Offer && k.Lasts(epoch))).Select(o => o.Id)];
    }

    private async Task<Dictionary<Guid, long>> DaysSettledAsync(IReadOnlyList<Line> lines, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Each has a day of its own.
        Guid[] ids = [.. lines.Select(l => l.Id)];
        DateOnly[] days = [.. lines.Select(l => Schedule.DayOf(l.Terms, now))];
        var rows = await db.LineDays.FromSql($"select d.* from line_days d join unnest({ids}, {days}) as today (line, day) on d.line_id = today.line and d.day = today.day")
            .AsNoTracking().ToListAsync(cancellationToken);
        return rows.ToDictionary(d => d.LineId, d => d.SettledMicros);
    }

    private Task<List<string>> AskedForAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var since = now - InventorySpan;
        return db.CellHours.Where(h => h.Hour > since && h.Fetches > 0).Select(h => h.Cell).Distinct().ToListAsync(cancellationToken);
    }

    /// <returns>The running epoch's begin, the cells for which there are catalogs in it, and which of the lines are in one.</returns>
    private async Task<(DateTimeOffset Epoch, List<string> Cells, HashSet<Guid> Lines)> IssuedAsync(IReadOnlyList<Line> lines, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var epoch = Catalog.EpochAt(now);
        Guid[] ids = [.. lines.Select(l => l.Id)];
        var cells = await db.Catalogs.Where(c => c.Epoch == epoch && !c.IsDropped).Select(c => c.Cell).Distinct().ToListAsync(cancellationToken);
        var held = await db.Database.SqlQuery<Guid>($"""
            select distinct line as "Value" from catalogs c, unnest(c.lines) as line where c.epoch = {epoch} and not c.is_dropped and c.lines && {ids} and line = any ({ids})
            """).ToListAsync(cancellationToken);
        return (DateTimeOffset.FromUnixTimeSeconds(epoch), cells, [.. held]);
    }

    /// <param name="cell">As it is written; what was merged away may hold anybody.</param>
    private static bool IsFor(string cell, Targets targets) =>
        cell.Split('/') is [var app, _, var country, var language, var age] &&
        Has(targets.Apps, app) && Has(targets.Countries, country) && Has(targets.Languages, language) &&
        (!targets.AdultsOnly || age == "adult");

    private static bool Has(IReadOnlyList<string> wanted, string there) => wanted.Count == 0 || there == "*" || wanted.Contains(there);

    private sealed record LinesCreative(Guid Line, Guid Id, CreativeState State, DateTimeOffset ChangedAt, CreativeFacts Facts);
}
