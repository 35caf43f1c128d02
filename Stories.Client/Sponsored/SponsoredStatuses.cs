using System.Security.Cryptography;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Sponsored;

/// <summary>
/// Sponsored statuses on one device. It fetches what everybody of its cell gets, chooses by itself, and tells what was shown in records that
/// name nobody. An app tells it what the person sees (<see cref="BeginSession"/>, <see cref="SeeStatus"/>, <see cref="LeavePerson"/>), asks at each boundary between
/// two people (<see cref="Next"/>), and ends what it showed (<see cref="End"/>); from time to time it calls <see cref="RefreshAsync"/>, <see cref="PrefetchAsync"/> and <see cref="SubmitAsync"/>.
/// No trouble with the service, the catalog, the media or the disk is more than nothing sponsored. Safe for use by several threads.
/// </summary>
public sealed class SponsoredStatuses : IDisposable
{
    /// <summary>A service that is out of reach is not asked at each boundary; one that answers may say itself how long.</summary>
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMinutes(1);

    private readonly StoriesClient client;
    private readonly DeviceStore store;
    private readonly AdStore ads;
    private readonly Cell cell;
    private readonly SponsoredOptions options;
    private readonly TimeProvider time;
    private readonly HttpClient storage;
    private readonly byte[] opportunitySeed;
    private readonly SemaphoreSlim refreshing = new(1);
    private readonly SemaphoreSlim prefetching = new(1);

    private readonly Lock gate = new();
    private readonly Dictionary<Guid, SponsoredStatus> onScreen = [];
    private AdSession session;
    private byte[] sessionSeed = [];
    private int countedSlots;

    private Catalog? catalog;
    private string? etag;
    private bool isLoaded;
    private long askedEpoch = -1;
    private DateTimeOffset? failedAt;
    private TimeSpan askAgainAfter;

    /// <summary>Begins with a session of its own and the catalog that was kept, if it is still good.</summary>
    /// <param name="client">Speaks for the person.</param>
    /// <param name="store">The person's device.</param>
    /// <param name="ads">What the device keeps about sponsored statuses.</param>
    /// <param name="cell">The person's app, country and language as the app knows them, and whether it knows an adult. Nothing else has any bearing.</param>
    /// <param name="options">What the app sets.</param>
    /// <param name="transport">Fetches media from storage, without the person's token, and is disposed with this; null makes one.</param>
    /// <param name="time">The device's clock; null is the system's.</param>
    public SponsoredStatuses(
        StoriesClient client, DeviceStore store, AdStore ads, Cell cell, SponsoredOptions? options = null, HttpMessageHandler? transport = null, TimeProvider? time = null)
    {
        this.client = client;
        this.store = store;
        this.ads = ads;
        this.cell = cell;
        this.options = options ?? new SponsoredOptions();
        this.time = time ?? TimeProvider.System;
        // Without cookies, as without the token: storage sees that somebody of the cell fetches, and no more.
        storage = new HttpClient(transport ?? new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false, UseCookies = false });
        var secret = store.SigningKey.ExportSeed();
        opportunitySeed = HMACSHA256.HashData(secret, "stories/opportunities/v1"u8);
        CryptographicOperations.ZeroMemory(secret);
        session = Begin();
    }

    private DateTimeOffset Now => time.GetUtcNow();

    /// <summary>The person opens the tray.</summary>
    public void BeginSession()
    {
        lock (gate) session = Begin();
    }

    /// <summary>A status of somebody was shown.</summary>
    public void SeeStatus()
    {
        lock (gate) session = session.SeeStatus();
    }

    /// <summary>The person is through with somebody's statuses, or skipped what was left of them.</summary>
    public void LeavePerson()
    {
        lock (gate) session = session.LeavePerson();
    }

    /// <summary>
    /// What stands at a boundary. It is in the log, on the disk, before it is answered: what a crash forgets would be shown again. Reads and writes files, so not for the
    /// thread that draws; it throws nothing that the disk, the catalog or the media can cause.
    /// </summary>
    /// <param name="boundary">As the app sees it.</param>
    public AdDecision Next(AdBoundary boundary)
    {
        lock (gate)
        {
            var now = Now;
            if (Load(now) is not { } current) return new AdDecision(null, NoAd.NoCatalog, null);
            try
            {
                var decision = new AdDecision(null, null, null);
                ads.Change(now, log =>
                {
                    decision = Decide(current, log, boundary, now, out var changed);
                    return changed;
                });
                if (decision.Status is { } status)
                {
                    session = session.ShowAd();
                    onScreen[status.Record.Id] = status;
                }
                return decision;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new AdDecision(null, NoAd.LogUnavailable, null, e);
            }
        }
    }

    /// <summary>One that was begun and never ended, perhaps by an earlier process: to go on with it.</summary>
    /// <param name="creative">Its digest, or the beginning of it.</param>
    /// <returns>Null when there is none, the catalog does not name it any more, or its media are not here.</returns>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public SponsoredStatus? FindOpen(string creative)
    {
        lock (gate)
        {
            var now = Now;
            if (Load(now) is not { } current) return null;
            foreach (var record in ads.Read(now).Pending.Where(p => p.IsOpen && p.Record.Creative.StartsWith(creative, StringComparison.Ordinal)).Select(p => p.Record).Reverse())
            {
                if (current.Lines.FirstOrDefault(l => l.Id == record.Line) is not { } line || current.Creatives.FirstOrDefault(c => c.Digest == record.Creative) is not { } shown) continue;
                if (!FindOffer(new ChosenAd(line, shown), now, out var offer) || options.Pick(shown) is not { Count: > 0 } files || !files.All(f => ads.Media.IsGenuine(f.File.Blob))) continue;
                var status = new SponsoredStatus(record, line, shown, [.. files.Select(f => new AdFile(f.File, ads.Media.PathOf(f.File.Blob)))], offer);
                onScreen[record.Id] = status;
                return status;
            }
            return null;
        }
    }

    /// <summary>It is no longer on the screen. The record waits for <see cref="SubmitAsync"/>.</summary>
    /// <param name="status">From <see cref="Next"/>; ending it again changes nothing.</param>
    /// <param name="end">What became of it.</param>
    /// <returns>False when the log could not be written: the record goes out as it was begun, and what should be hidden is not.</returns>
    public bool End(SponsoredStatus status, AdEnd end)
    {
        lock (gate)
        {
            if (!onScreen.Remove(status.Record.Id)) return true;
            var dwell = AdRecord.DwellOf(end.OnScreen);
            var skipped = end.Skipped && end.Furthest != Quartile.Complete;
            session = session.EndAd(dwell, skipped);
            var record = status.Record with { Quartile = end.Furthest, Dwell = dwell, Skipped = skipped, Action = end.Action };
            try
            {
                ads.Change(Now, log => end.Action switch
                {
                    AdAction.HideAd or AdAction.Report => log.End(record).HideAd(status.Line.Id, status.Creative.Digest),
                    AdAction.HideAdvertiser => log.End(record).HideAdvertiser(status.Line.Advertiser),
                    _ => log.End(record),
                });
                return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>Hides one for good, at any time after it was shown.</summary>
    /// <exception cref="IOException">The log cannot be written.</exception>
    public void HideAd(SponsoredStatus status) => ads.Change(Now, log => log.HideAd(status.Line.Id, status.Creative.Digest));

    /// <summary>Hides everything of one advertiser for good.</summary>
    /// <exception cref="IOException">The log cannot be written.</exception>
    public void HideAdvertiser(Guid advertiser) => ads.Change(Now, log => log.HideAdvertiser(advertiser));

    /// <summary>Takes back all that was hidden.</summary>
    /// <exception cref="IOException">The log cannot be written.</exception>
    public void ShowHidden() => ads.Change(Now, log => log.ShowHidden());

    /// <summary>Halves how much is shown on this device; again halves it again, down to a sixteenth.</summary>
    /// <exception cref="IOException">The log cannot be written.</exception>
    public void SeeLess() => ads.Change(Now, log => log.SeeLess());

    /// <summary>Takes back every <see cref="SeeLess"/>.</summary>
    /// <exception cref="IOException">The log cannot be written.</exception>
    public void SeeUsual() => ads.Change(Now, log => log.SeeUsual());

    /// <summary>Asks the service for the cell's catalog, unless the one that is here is of this epoch (5 minutes); cheap to call often.</summary>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public async Task<CatalogRefresh> RefreshAsync(CancellationToken cancellationToken = default)
    {
        await refreshing.WaitAsync(cancellationToken);
        try
        {
            var now = Now;
            Catalog? held;
            string? heldTag;
            lock (gate)
            {
                held = Load(now);
                heldTag = held is null ? null : etag;
                if (Catalog.EpochAt(now) == askedEpoch || (failedAt is { } at && now - at < askAgainAfter && now >= at)) return new CatalogRefresh(CatalogNews.Current);
            }
            try
            {
                if (store.ServiceKey is null) store.PinServiceKey((await client.ListKeysAsync(cancellationToken)).ServiceKey);
                return Take(await client.ReadCatalogAsync(cell, heldTag, cancellationToken), held, now);
            }
            catch (Exception e) when (e is HttpRequestException or StoriesProblemException or NotGenuineException)
            {
                lock (gate) (failedAt, askAgainAfter) = (now, (e as StoriesProblemException)?.RetryAfter ?? AskAgainAfter);
                return new CatalogRefresh(CatalogNews.Unavailable, Trouble: e);
            }
        }
        finally
        {
            refreshing.Release();
        }
    }

    /// <summary>
    /// Fetches the media of what would be chosen next, and deletes those that no catalog names any more. What is fetched depends on the catalog, the place and chance, and
    /// not on what was shown before.
    /// </summary>
    /// <param name="cancellationToken">Ends the download.</param>
    public async Task<AdPrefetch> PrefetchAsync(CancellationToken cancellationToken = default)
    {
        // Two would delete each other's parts.
        await prefetching.WaitAsync(cancellationToken);
        try
        {
            return await FetchAheadAsync(cancellationToken);
        }
        finally
        {
            prefetching.Release();
        }
    }

    /// <summary>
    /// Tells the service what was shown, with the person's token for the quota and in an order that says nothing; what it has not accepted is kept for the next time, and
    /// dropped 48 hours after its hour. Best called some minutes after the last one ended, and not at each.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait for the service; what was accepted before stays so.</param>
    public async Task<AdSubmission> SubmitAsync(CancellationToken cancellationToken = default)
    {
        var done = 0;
        var waiting = 0;
        try
        {
            var (records, tallies) = Due();
            waiting = records.Length;
            RandomNumberGenerator.Shuffle(records.AsSpan());
            for (var batch = 0; batch * RecordsRequest.MaxRecords < records.Length || (batch == 0 && tallies.Length > 0); batch++)
            {
                var some = records.Skip(batch * RecordsRequest.MaxRecords).Take(RecordsRequest.MaxRecords).ToArray();
                var told = batch == 0 ? tallies : [];
                var accepted = await SendAsync(some, told, cancellationToken);
                ads.Change(Now, log => log.Accept(accepted).AcceptTallies(told.Select(t => t.Hour).ToHashSet()));
                done += some.Count(r => accepted.Contains(r.Id));
            }
            return new AdSubmission(done, waiting - done);
        }
        catch (Exception e) when (e is HttpRequestException or StoriesProblemException or IOException or UnauthorizedAccessException)
        {
            return new AdSubmission(done, waiting - done, e);
        }
    }

    /// <summary>Closes the connections to storage.</summary>
    public void Dispose()
    {
        storage.Dispose();
        refreshing.Dispose();
        prefetching.Dispose();
    }

    private AdSession Begin()
    {
        sessionSeed = RandomNumberGenerator.GetBytes(AdDraw.SeedBytes);
        countedSlots = 0;
        return AdSession.BeginAt(Now);
    }

    private AdDecision Decide(Catalog current, AdLog log, AdBoundary boundary, DateTimeOffset now, out AdLog changed)
    {
        changed = log;
        var answer = AdGate.Decide(current.Policy, session, log, boundary, now);
        if (answer != GateReason.Open) return new AdDecision(null, NoAd.GateShut, answer);
        // A gate that stays open because there was nothing to show is the same opportunity still.
        if (countedSlots == session.Ads)
        {
            countedSlots++;
            if (OpportunityTally.IsSampled(opportunitySeed, AdRecord.HourOf(now))) changed = changed.CountOpportunity(now);
        }
        var ready = Ready(current);
        while (AdChoice.Choose(current, log, cell.Country, cell.Language, ready, now, AdDraw.SeedOf(sessionSeed, session.Ads)) is { } chosen)
        {
            var record = AdRecord.Begin(new Guid(RandomNumberGenerator.GetBytes(16)), current, chosen, log.NextOrdinal(chosen.Line.Id), now);
            if (FindOffer(chosen, now, out var offer) && options.Pick(chosen.Creative) is var files && files.All(f => ads.Media.IsGenuine(f.File.Blob)))
            {
                changed = changed.Show(chosen, record, now);
                return new AdDecision(new SponsoredStatus(record, chosen.Line, chosen.Creative, [.. files.Select(f => new AdFile(f.File, ads.Media.PathOf(f.File.Blob)))], offer), null, answer);
            }
            ready.Remove(chosen.Creative.Digest);
        }
        return new AdDecision(null, NoAd.NothingToShow, answer);
    }

    private async Task<AdPrefetch> FetchAheadAsync(CancellationToken cancellationToken)
    {
        Catalog? current;
        IReadOnlyList<ChosenAd> order;
        try
        {
            lock (gate)
            {
                var now = Now;
                current = Load(now);
                if (current is null) return new AdPrefetch(0, []);
                ads.Media.Keep(current.Creatives.Concat(onScreen.Values.Select(s => s.Creative)).SelectMany(c => c.Media).Select(m => m.File.Blob.Sha256).ToHashSet());
                order = AdChoice.PrefetchOrder(current, ads.Read(now), cell.Country, cell.Language, now, AdDraw.SeedOf(sessionSeed, session.Ads));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new AdPrefetch(0, [e]);
        }
        var troubles = new List<Exception>();
        foreach (var creative in order.Select(a => a.Creative).DistinctBy(c => c.Digest).Where(IsSmallEnough).Take(options.FetchedAhead))
        {
            try
            {
                foreach (var media in options.Pick(creative).Where(m => !ads.Media.Has(m.File.Blob))) await ads.Media.FetchAsync(storage, media, cancellationToken);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or NotGenuineException or UnauthorizedAccessException)
            {
                troubles.Add(e);
            }
        }
        return new AdPrefetch(Ready(current).Count, troubles);
    }

    /// <returns>False when there should be an offer that a payment screen may take, and there is none.</returns>
    private static bool FindOffer(ChosenAd ad, DateTimeOffset now, out Offer? offer)
    {
        offer = null;
        if (ad.Creative.Facts.CallToAction.Offer is not { } expected) return true;
        return ad.Creative is { Offer: { } signed, OfferKey: { } key } && Offer.FindFault(signed, key, expected, now, out offer) is null && offer!.Advertiser == ad.Line.Advertiser;
    }

    private HashSet<string> Ready(Catalog current) =>
        [.. current.Creatives.Where(c => options.Pick(c) is { Count: > 0 } files && files.All(f => ads.Media.Has(f.File.Blob))).Select(c => c.Digest)];

    private bool IsSmallEnough(CatalogCreative creative)
    {
        var left = options.MaxCreativeBytes;
        return options.Pick(creative).All(f => f.File.Blob.Length > 0 && f.File.Blob.Length <= left && (left -= f.File.Blob.Length) >= 0);
    }

    /// <summary>The one that is good now: in memory, or as it was kept.</summary>
    private Catalog? Load(DateTimeOffset now)
    {
        if (!isLoaded && store.ServiceKey is { } key)
        {
            isLoaded = true;
            try
            {
                if (ads.ReadCatalog() is { Record: { Bytes: not null, Signature: not null } record } kept && Catalog.FindFault(record, key, options.Deployment, cell, now, out var read) is null)
                    (catalog, etag) = (read, kept.ETag);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Kept only for when the service is out of reach; it is asked next.
                isLoaded = false;
            }
        }
        return catalog?.FindFault(now) is null ? catalog : null;
    }

    private CatalogRefresh Take(FetchedCatalog? fetched, Catalog? held, DateTimeOffset now)
    {
        lock (gate)
        {
            failedAt = null;
            askedEpoch = Catalog.EpochAt(now);
            if (fetched is null) return new CatalogRefresh(CatalogNews.Current);
            if (Catalog.FindFault(fetched.Record, store.ServiceKey, options.Deployment, cell, now, out var read) is { } fault) return new CatalogRefresh(CatalogNews.Refused, fault);
            // Signed once, and played again by somebody on the way: a lifted line or a lowered cap stays so.
            if (held is not null && read!.Epoch < held.Epoch) return new CatalogRefresh(CatalogNews.Refused);
            (catalog, etag, isLoaded) = (read, fetched.ETag, true);
            try
            {
                ads.KeepCatalog(fetched);
                return new CatalogRefresh(CatalogNews.Renewed);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return new CatalogRefresh(CatalogNews.Renewed, Trouble: e);
            }
        }
    }

    /// <summary>What is due, and the log without what is too late.</summary>
    private (AdRecord[] Records, OpportunityTally[] Tallies) Due()
    {
        var now = Now;
        AdRecord[] records = [];
        OpportunityTally[] tallies = [];
        ads.Change(now, log =>
        {
            records = [.. log.Due(now)];
            tallies = [.. log.DueTallies(now).Select(t => new OpportunityTally(cell.ToString(), t.Hour, t.Count))];
            return log;
        });
        return (records, tallies);
    }

    /// <summary>One that the service will never take must not keep back the others with which it happens to travel.</summary>
    private async Task<HashSet<Guid>> SendAsync(AdRecord[] records, OpportunityTally[] tallies, CancellationToken cancellationToken)
    {
        try
        {
            return [.. await client.SubmitRecordsAsync(records, tallies, cancellationToken)];
        }
        catch (StoriesProblemException e) when (e.Code == ProblemCodes.RequestInvalid && records.Length + tallies.Length > 1)
        {
            // Tallies go alone, and the records in halves.
            if (tallies.Length > 0 && records.Length > 0) return [.. await SendAsync([], tallies, cancellationToken), .. await SendAsync(records, [], cancellationToken)];
            if (records.Length == 0) return [];
            var half = records.Length / 2;
            return [.. await SendAsync(records[..half], [], cancellationToken), .. await SendAsync(records[half..], [], cancellationToken)];
        }
        catch (StoriesProblemException e) when (e.Code == ProblemCodes.RequestInvalid)
        {
            return [.. records.Select(r => r.Id)];
        }
    }
}
