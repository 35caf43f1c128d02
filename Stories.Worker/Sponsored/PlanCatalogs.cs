using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Sponsored;
using Stories.Worker.Keys;

namespace Stories.Worker.Sponsored;

/// <summary>
/// Makes the signed catalogs that are missing: of the running epoch and, shortly before it begins, of the next, for each cell that somebody
/// asks for. Repeatable by any worker at any time; one at a time does it.
/// </summary>
public sealed class PlanCatalogs(
    StoriesDb db, NpgsqlDataSource database, PlannedLines lines, CellCurves curves, LifetimeWindows windows, ServiceSigner signer, UrlSigner urls, PlanMetrics metrics, PlanState state,
    IOptions<CatalogOptions> options, IOptions<RecordOptions> records, IOptions<BlobOptions> blobs, TimeProvider clock, ILogger<PlanCatalogs> log)
{
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Epoch = TimeSpan.FromSeconds(Catalog.EpochSeconds);

    /// <returns>How many catalogs were made.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using var turn = await AdvisoryLock.TryTakeAsync(database, "plan catalogs", cancellationToken);
        if (turn is null) return 0;
        var now = clock.GetUtcNow();
        var current = Catalog.EpochAt(now);
        var made = await MakeAsync(current, now, cancellationToken);
        var next = DateTimeOffset.FromUnixTimeSeconds(current) + Epoch;
        if (next - now <= Ahead) made += await MakeAsync(next.ToUnixTimeSeconds(), now, cancellationToken);
        return made;
    }

    private async Task<int> MakeAsync(long epoch, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var cells = await FindCellsAsync(now, cancellationToken);
        var there = (await db.Catalogs.Where(c => c.Epoch == epoch && !c.IsDropped).Select(c => c.Cell).ToListAsync(cancellationToken)).ToHashSet();
        var missing = cells.Where(c => !there.Contains(c.Cell.ToString())).Select(c => c.Cell).ToHashSet();
        if (missing.Count == 0)
        {
            state.WentWell();
            return 0;
        }

        var begin = System.Diagnostics.Stopwatch.GetTimestamp();
        var known = await curves.ReadAsync(db, [.. cells.SelectMany(c => c.Parts)], now, cancellationToken);
        var planned = await lines.ReadAsync(windows, records.Value.ReleaseAfter + Epoch, Later(now, epoch), cancellationToken);
        windows.Forget(planned.Select(l => l.Id).ToHashSet());
        var read = planned.ToDictionary(l => l.Id);
        var plan = Planner.Make(planned, [.. cells.Select(c => new PlannedCell(c.Cell, [.. c.Parts.Select(p => (p, known[p]))]))], epoch);
        var creatives = await ReadCreativesAsync(plan, missing, epoch, cancellationToken);

        var made = 0;
        foreach (var cell in missing)
        {
            try
            {
                if (await StoreAsync(cell, plan.Cells[cell], read, creatives, epoch, cancellationToken)) made++;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                // The others' people are not to wait for it.
                metrics.Failed();
                log.LogWarning("A catalog could not be made: {Trouble}.", Trouble.Of(e));
                db.ChangeTracker.Clear();
            }
        }
        await EmptyEarlierAsync(epoch, cancellationToken);
        if (made > 0) state.WentWell();
        metrics.Planned(plan, made, epoch, System.Diagnostics.Stopwatch.GetElapsedTime(begin));
        return made;
    }

    private async Task<IReadOnlyList<(Cell Cell, IReadOnlyList<Cell> Parts)>> FindCellsAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var (week, awake) = (now - TimeSpan.FromDays(7), now - options.Value.CellLife - TimeSpan.FromHours(1));
        var asked = await db.CellHours.Where(h => h.Hour > week).GroupBy(h => h.Cell)
            .Where(g => g.Max(h => h.Hour) > awake).Select(g => new { Cell = g.Key, Most = g.Max(h => h.Fetches) }).ToListAsync(cancellationToken);
        var cells = new List<(Cell, long)>();
        foreach (var row in asked)
            if (Cell.TryParse(row.Cell, out var cell)) cells.Add((cell, CellSizes.Devices(row.Most)));
        return CellSizes.Merge(cells, options.Value.CellFloor);
    }

    /// <returns>By advertiser too: two may have made the same, to the byte.</returns>
    private async Task<Dictionary<(Guid Advertiser, string Digest), CreativeParts>> ReadCreativesAsync(Plan plan, HashSet<Cell> missing, long epoch, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. missing.SelectMany(c => plan.Cells[c]).Select(l => l.Id).Distinct()];
        var found = await (
            from creative in db.Creatives
            where creative.Digest != null && creative.State == CreativeState.Approved && db.LineCreatives.Any(s => s.CreativeId == creative.Id && ids.Contains(s.LineId))
            join advertiser in db.Advertisers on creative.AdvertiserId equals advertiser.Id
            orderby creative.CreatedAt, creative.Id
            select new { Creative = creative, advertiser.DisplayName, advertiser.OfferKey }).AsNoTracking().ToListAsync(cancellationToken);
        var offerIds = found.Select(f => f.Creative.Facts.CallToAction.Offer).OfType<Guid>().ToArray();
        var offers = await db.Offers.AsNoTracking().Where(o => offerIds.Contains(o.Id) && o.State == OfferState.Live).ToDictionaryAsync(o => o.Id, cancellationToken);
        var until = IssuedCatalog.EndOf(epoch);
        var parts = new Dictionary<(Guid, string), CreativeParts>();
        foreach (var row in found.DistinctBy(f => (f.Creative.AdvertiserId, f.Creative.Digest)))
        {
            var creative = row.Creative;
            var offer = creative.Facts.CallToAction.Offer is { } id ? offers.GetValueOrDefault(id) : null;
            // An offer that has ended takes what it is for with it, and nobody has another's: no device would take it.
            if (creative.Facts.CallToAction.Offer is not null && (offer?.AdvertiserId != creative.AdvertiserId || !offer.Lasts(epoch) || row.OfferKey is null)) continue;
            var media = new List<CatalogMedia>();
            foreach (var file in creative.Media)
                media.Add(new CatalogMedia(file.File, await urls.SignAsync(creative.Container!, file.BlobName, new ServedAs(file.File.MediaType, Inline: true), until, cancellationToken)));
            parts[(creative.AdvertiserId, creative.Digest!)] = new CreativeParts(creative, media, row.DisplayName, offer?.Record, offer is null ? null : row.OfferKey);
        }
        return parts;
    }

    /// <returns>False when something in it has changed meanwhile: the next round makes it.</returns>
    private async Task<bool> StoreAsync(
        Cell cell, IReadOnlyList<CatalogLine> found, Dictionary<Guid, PlannedLine> read, Dictionary<(Guid Advertiser, string Digest), CreativeParts> creatives, long epoch, CancellationToken cancellationToken)
    {
        // To a device a digest is one creative of one advertiser: of those who made the same, whoever made it first.
        var parts = found.SelectMany(l => l.Creatives, (l, digest) => creatives.GetValueOrDefault((l.Advertiser, digest))).OfType<CreativeParts>()
            .GroupBy(p => p.Row.Digest!).ToDictionary(g => g.Key, g => g.MinBy(p => (p.Row.CreatedAt, p.Row.Id))!);
        var shown = found.Select(l => l with { Creatives = [.. l.Creatives.Where(d => parts.GetValueOrDefault(d)?.Row.AdvertiserId == l.Advertiser)] }).Where(l => l.Creatives.Count > 0).ToList();
        var why = WhyThis(cell);
        var catalog = new Catalog(blobs.Value.Deployment, cell, epoch, options.Value.Policy, shown, [.. parts.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Value.In(why))]);
        var signed = signer.Sign(SignaturePurpose.Catalog, StoriesJson.Write(catalog));
        Guid[] ids = [.. shown.Select(l => l.Id)], held = [.. parts.Values.Select(p => p.Row.Id)];

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // With the catalog or not at all: by this the repository tells what was shown, and for how long it is kept. Creatives come before the gate.
        // Once in an epoch, by whichever cell is first.
        await db.Database.ExecuteSqlAsync($"""
            with unsaid as (select id from creatives where id = any ({held}) and (last_shown_at is null or last_shown_at < {DateTimeOffset.FromUnixTimeSeconds(epoch)}) order by id for update)
            update creatives c set last_shown_at = {DateTimeOffset.FromUnixTimeSeconds(epoch)} from unsaid where unsaid.id = c.id
            """, cancellationToken);
        await db.Database.ExecuteSqlRawAsync(DropCatalogs.Hold, cancellationToken);
        if (!await lines.AreUnchangedAsync([.. ids.Select(id => read[id])], held, clock.GetUtcNow(), cancellationToken)) return false;
        await db.Database.ExecuteSqlAsync($"""
            insert into catalogs (cell, epoch, revision, bytes, signature, key, lines, is_dropped)
            select {cell.ToString()}, {epoch}, coalesce(max(revision), 0) + 1, {signed.Bytes}, {signed.Signature}, {signed.Key}, {ids}, false
            from catalogs where cell = {cell.ToString()} and epoch = {epoch}
            """, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>What of older catalogs is still asked for is which lines they held.</summary>
    private async Task EmptyEarlierAsync(long epoch, CancellationToken cancellationToken)
    {
        var ended = epoch - Catalog.EpochSeconds - (long)IssuedCatalog.Grace.TotalSeconds;
        await db.Catalogs.Where(c => c.Epoch < ended && c.Bytes.Length > 0)
            .ExecuteUpdateAsync(set => set.SetProperty(c => c.Bytes, Array.Empty<byte>()).SetProperty(c => c.Signature, Array.Empty<byte>()), cancellationToken);
    }

    private static string WhyThis(Cell cell) =>
        $"Chosen on this device among those for {(cell.Country is { } country ? $"the country {country}" : "all countries")} and {(cell.Language is { } language ? $"the language {language}" : "all languages")}, by the time of day. Nothing else plays a part.";

    private static DateTimeOffset Later(DateTimeOffset now, long epoch) => now.ToUnixTimeSeconds() > epoch ? now : DateTimeOffset.FromUnixTimeSeconds(epoch);

    private sealed record CreativeParts(Creative Row, IReadOnlyList<CatalogMedia> Media, string AdvertiserName, SignedRecord? Offer, byte[]? OfferKey)
    {
        public CatalogCreative In(string why) => new(Row.Digest!, Row.Facts, Media, AdvertiserName, why, Offer, OfferKey);
    }
}
