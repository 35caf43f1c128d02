using Microsoft.EntityFrameworkCore;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Data;

/// <summary>
/// What is not to be shown any more leaves the plan in the transaction that decides it: issued catalogs that hold it are not handed
/// out from then on, and its lines count as changed. Whoever issues a catalog holds the same gate, shared, in the transaction that
/// stores it, and asks there again for what its lines are: a decision is then either seen, or finds the catalog.
/// Everybody locks in one order: advertisers, wallets, campaigns, creatives, lines, days of lines, and this gate last; of several advertisers
/// or lines the lower id first. Who has the gate waits for no row of these, and who waits for one keeps no catalog from being stored. Whoever
/// changes what an advertiser has booked, or decides about it, takes its row: which lines have what does not change meanwhile.
/// </summary>
public static class DropCatalogs
{
    /// <summary>For the transaction that stores a catalog, before it looks at the lines in it for the last time. That transaction should be short.</summary>
    public const string Hold = "select pg_advisory_xact_lock_shared(hashtextextended('catalogs', 0))";

    private const string Close = "select pg_advisory_xact_lock(hashtextextended('catalogs', 0))";

    /// <summary>An older catalog is not handed out, because its addresses have ended.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(Catalog.EpochSeconds) + TimeSpan.FromMinutes(10);

    public static Task OfLineAsync(StoriesDb db, Guid line, DateTimeOffset now, CancellationToken cancellationToken) =>
        OfAsync(db, [line], now, cancellationToken);

    public static async Task OfCampaignAsync(StoriesDb db, Guid campaign, DateTimeOffset now, CancellationToken cancellationToken) =>
        await OfAsync(db, await db.Lines.Where(l => l.CampaignId == campaign).Select(l => l.Id).ToArrayAsync(cancellationToken), now, cancellationToken);

    public static Task OfAdvertiserAsync(StoriesDb db, Guid advertiser, DateTimeOffset now, CancellationToken cancellationToken) => OfAdvertisersAsync(db, [advertiser], now, cancellationToken);

    public static async Task OfAdvertisersAsync(StoriesDb db, IReadOnlyCollection<Guid> advertisers, DateTimeOffset now, CancellationToken cancellationToken) =>
        await OfAsync(db, await db.Lines.Where(l => advertisers.Contains(l.AdvertiserId)).Select(l => l.Id).ToArrayAsync(cancellationToken), now, cancellationToken);

    public static Task OfCreativeAsync(StoriesDb db, Guid creative, DateTimeOffset now, CancellationToken cancellationToken) => OfCreativesAsync(db, [creative], now, cancellationToken);

    public static async Task OfCreativesAsync(StoriesDb db, IReadOnlyCollection<Guid> creatives, DateTimeOffset now, CancellationToken cancellationToken) =>
        await OfAsync(db, await db.LineCreatives.Where(c => creatives.Contains(c.CreativeId)).Select(c => c.LineId).Distinct().ToArrayAsync(cancellationToken), now, cancellationToken);

    /// <summary>Of lines whose creatives have it paid for.</summary>
    public static async Task OfOfferAsync(StoriesDb db, Guid offer, DateTimeOffset now, CancellationToken cancellationToken) =>
        await OfAsync(db, [.. await db.Database.SqlQuery<Guid>($"""
            select distinct l.line_id as "Value" from line_creatives l join creatives c on c.id = l.creative_id where c.facts -> 'callToAction' ->> 'offer' = {offer.ToString()}
            """).ToListAsync(cancellationToken)], now, cancellationToken);

    private static async Task OfAsync(StoriesDb db, Guid[] lines, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (db.Database.CurrentTransaction is null) throw new InvalidOperationException("Catalogs are dropped in the transaction that says why.");
        await db.Database.ExecuteSqlAsync($"select 1 from lines where id = any ({lines}) order by id for update", cancellationToken);
        await db.Database.ExecuteSqlRawAsync(Close, cancellationToken);
        if (lines.Length == 0) return;
        var since = (now - Life).ToUnixTimeSeconds();
        await db.Database.ExecuteSqlAsync($"update catalogs set is_dropped = true where epoch > {since} and not is_dropped and lines && {lines}", cancellationToken);
        await db.Lines.Where(l => lines.Contains(l.Id)).ExecuteUpdateAsync(set => set.SetProperty(l => l.ChangedAt, now), cancellationToken);
    }
}
