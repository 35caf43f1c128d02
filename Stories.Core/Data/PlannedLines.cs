using Microsoft.EntityFrameworkCore;
using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Data;

/// <summary>Reads what the planner plans: lines that their owners want and nothing forbids, with what is left to them.</summary>
public sealed class PlannedLines(StoriesDb db)
{
    /// <summary>Of a price of nothing there is no end.</summary>
    private const double Unlimited = 1e12;

    // The windows of a whole life are many, and change only with the line.
    private static readonly TimeSpan Horizon = Catalog.OfflineLife;

    /// <param name="lag">How old what was billed may be.</param>
    public Task<IReadOnlyList<PlannedLine>> ReadAsync(LifetimeWindows windows, TimeSpan lag, DateTimeOffset now, CancellationToken cancellationToken) =>
        ReadAsync(Allowed(now), windows, lag, now, cancellationToken);

    /// <summary>Of one advertiser: nobody else shares its wallet.</summary>
    public Task<IReadOnlyList<PlannedLine>> ReadOfAsync(Guid advertiser, LifetimeWindows windows, DateTimeOffset now, CancellationToken cancellationToken) =>
        ReadAsync(Allowed(now).Where(l => l.AdvertiserId == advertiser), windows, TimeSpan.Zero, now, cancellationToken);

    /// <summary>What will be shown beside a line until its end: all that is wanted and could begin at once, as much of it as its wallet pays for.</summary>
    /// <param name="except">The line itself.</param>
    public async Task<IReadOnlyList<WantedLine>> ReadBesideAsync(LifetimeWindows windows, Guid? except, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var found = await (
            from line in Allowed(now)
            where line.StartsAt < until && line.Id != except
            where db.LineCreatives.Any(s => s.LineId == line.Id && db.Creatives.Any(c => c.Id == s.CreativeId && c.State == CreativeState.Approved))
            join wallet in db.Wallets on line.AdvertiserId equals wallet.AdvertiserId
            select new { Line = line, wallet.Balance }).AsNoTracking().ToListAsync(cancellationToken);
        var ids = found.Select(f => f.Line.Id).ToArray();
        var today = found.ToDictionary(f => f.Line.Id, f => Schedule.DayOf(f.Line.Terms, now));
        var earliest = today.Values.DefaultIfEmpty().Min();
        var days = await db.LineDays.AsNoTracking().Where(d => ids.Contains(d.LineId) && d.Day >= earliest).ToDictionaryAsync(d => (d.LineId, d.Day), cancellationToken);
        return [.. found.GroupBy(f => f.Line.AdvertiserId).SelectMany(own =>
        {
            var wanted = own.Select(f => (f.Line, Wants: WantedLine.Of(f.Line, windows.Of(f.Line), days.GetValueOrDefault((f.Line.Id, today[f.Line.Id]))?.SettledMicros ?? 0))).ToList();
            var paid = Share(wanted.Sum(w => w.Wants.MicrosUntil(until, now)), own.First().Balance);
            return wanted.Select(w => w.Wants.IsEndless ? w.Wants : w.Wants with { Left = w.Wants.Left * paid, EachDay = w.Wants.EachDay * paid });
        })];
    }

    /// <summary>
    /// Asked again in the transaction that stores a catalog: whether all of it may still be shown as it was read. A change that had to wait
    /// is older than a plan that has not seen it: what tells it is another time, not a later one.
    /// </summary>
    /// <param name="creatives">Ids of those that the lines show.</param>
    public async Task<bool> AreUnchangedAsync(IReadOnlyCollection<PlannedLine> lines, IReadOnlyCollection<Guid> creatives, DateTimeOffset now, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. lines.Select(l => l.Id)];
        var allowed = await Allowed(now).Where(l => ids.Contains(l.Id)).Select(l => new { l.Id, l.ChangedAt }).ToDictionaryAsync(l => l.Id, l => l.ChangedAt, cancellationToken);
        return lines.All(l => allowed.TryGetValue(l.Id, out var changedAt) && changedAt == l.ChangedAt)
            && await db.Creatives.CountAsync(c => creatives.Contains(c.Id) && c.State == CreativeState.Approved, cancellationToken) == creatives.Count;
    }

    private async Task<IReadOnlyList<PlannedLine>> ReadAsync(IQueryable<Line> allowed, LifetimeWindows windows, TimeSpan lag, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var until = now + Horizon;
        var found = await (
            from line in allowed
            where line.StartsAt < until
            join campaign in db.Campaigns on line.CampaignId equals campaign.Id
            join wallet in db.Wallets on line.AdvertiserId equals wallet.AdvertiserId
            select new { Line = line, campaign.BudgetMicros, campaign.SettledMicros, wallet.Balance }).AsNoTracking().ToListAsync(cancellationToken);
        var ids = found.Select(f => f.Line.Id).ToArray();
        var terms = found.ToDictionary(f => f.Line.Id, f => f.Line.Terms);
        // Who books and who changes a creative is refused before, but minors are not to depend on it.
        var creatives = (await (
            from shown in db.LineCreatives
            join creative in db.Creatives on shown.CreativeId equals creative.Id
            where ids.Contains(shown.LineId) && creative.State == CreativeState.Approved && creative.Digest != null
            orderby creative.Digest
            select new { shown.LineId, creative.Digest, creative.Facts }).ToListAsync(cancellationToken)).Where(c => LineRules.MayShow(terms[c.LineId], c.Facts)).ToLookup(c => c.LineId, c => c.Digest!);
        var today = found.ToDictionary(f => f.Line.Id, f => Schedule.DayOf(f.Line.Terms, now));
        var earliest = today.Values.DefaultIfEmpty().Min();
        var days = await db.LineDays.AsNoTracking().Where(d => ids.Contains(d.LineId) && d.Day >= earliest).ToDictionaryAsync(d => (d.LineId, d.Day), cancellationToken);

        var viewable = await ViewableAsync(ids, now, cancellationToken);

        var lines = found.Where(f => creatives[f.Line.Id].Any())
            .Select(f => new Found(f.Line, f.BudgetMicros - f.SettledMicros, f.Balance, days.GetValueOrDefault((f.Line.Id, today[f.Line.Id])), viewable.GetValueOrDefault(f.Line.Id, 1))).ToList();
        // What several lines may spend together is theirs by what each could use of it.
        var byWallet = lines.GroupBy(l => l.Line.AdvertiserId).ToDictionary(g => g.Key, g => Share(g.Sum(l => (double)l.OwnLeft), g.First().Balance));
        var byCampaign = lines.GroupBy(l => l.Line.CampaignId).ToDictionary(g => g.Key, g => Share(g.Sum(l => (double)l.OwnLeft), g.First().CampaignLeft ?? long.MaxValue));
        return [.. lines.Select(l =>
        {
            var micros = l.OwnLeft * Math.Min(byWallet[l.Line.AdvertiserId], byCampaign[l.Line.CampaignId]);
            return new PlannedLine(l.Line.Id, l.Line.CampaignId, l.Line.AdvertiserId, l.Line.Terms, Period(l, micros, windows, lag, now), [.. creatives[l.Line.Id]], l.Line.ChangedAt);
        })];
    }

    private IQueryable<Line> Allowed(DateTimeOffset now) =>
        from line in db.Lines
        where line.Status == ConfiguredStatus.Active && line.EndsAt > now
        where db.Campaigns.Any(c => c.Id == line.CampaignId && c.Status == ConfiguredStatus.Active && (c.BudgetMicros == null || c.SettledMicros < c.BudgetMicros))
        where db.Advertisers.Any(a => a.Id == line.AdvertiserId && a.State == AdvertiserState.Verified)
        select line;

    private async Task<Dictionary<Guid, double>> ViewableAsync(Guid[] lines, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var since = now - Viewability.Window;
        var counted = await db.Counts.Where(c => lines.Contains(c.LineId) && c.Hour > since && (c.Counter == Counters.Valid || c.Counter == Counters.Viewable))
            .GroupBy(c => c.LineId).Select(g => new
            {
                Line = g.Key,
                Valid = g.Sum(c => c.Counter == Counters.Valid ? c.Value : 0),
                Viewable = g.Sum(c => c.Counter == Counters.Viewable ? c.Value : 0),
            }).ToListAsync(cancellationToken);
        return counted.ToDictionary(c => c.Line, c => Viewability.Of(c.Valid, c.Viewable));
    }

    private static PacePeriod Period(Found found, double micros, LifetimeWindows windows, TimeSpan lag, DateTimeOffset now)
    {
        var (line, terms) = (found.Line, found.Line.Terms);
        var isDaily = terms.BudgetKind == BudgetKind.Daily;
        var day = Schedule.DayOf(terms, now);
        IReadOnlyList<Window> period = isDaily ? Schedule.Windows(terms, Schedule.StartOfDay(terms, day), Schedule.StartOfDay(terms, day.AddDays(1))) : windows.Of(line);
        if (terms.PriceMicros == 0 || terms.Tier == Tier.House) return new PacePeriod(period, Unlimited, 0, lag);
        double spent = isDaily ? found.Day?.Billed ?? 0 : line.Billed;
        return new PacePeriod(period, spent + Cost.Affordable(line.Billed, terms.PriceMicros, (long)micros), spent, lag, found.Viewable);
    }

    private static double Share(double wanted, long there) => wanted <= 0 ? 0 : Math.Clamp(there / wanted, 0, 1);

    /// <param name="CampaignLeft">Micros; null: no limit.</param>
    private sealed record Found(Line Line, long? CampaignLeft, long Balance, LineDay? Day, double Viewable)
    {
        public long OwnLeft { get; } = Math.Max(0, Line.BudgetMicros - (Line.BudgetKind == BudgetKind.Daily ? Day?.SettledMicros ?? 0 : Line.SettledMicros));
    }
}
