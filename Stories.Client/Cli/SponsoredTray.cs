using Stories.Client.Sessions;
using Stories.Client.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Cli;

/// <summary>
/// Where sponsored statuses stand in a tray. A terminal has nobody who watches: what is unseen is gone through as if each status took ten seconds, and
/// the rules are asked at each boundary between two people as an app would.
/// </summary>
internal sealed class SponsoredTray : IDisposable
{
    private static readonly TimeSpan PerStatus = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly Session session;
    private readonly Cell cell;
    private readonly Watch watch = new();
    private readonly SponsoredStatuses statuses;

    public SponsoredTray(Session session) : this(session, session.Cell())
    {
    }

    public SponsoredTray(Session session, Cell cell)
    {
        this.session = session;
        this.cell = cell;
        statuses = new SponsoredStatuses(session.Client, session.Store, AdStore.Open(session.Home), cell, time: watch);
    }

    /// <summary>After which authors one stands. It counts as begun, and is ended by <c>view</c>.</summary>
    public async Task<IReadOnlyDictionary<string, SponsoredStatus>> PlaceAsync(TrayView tray, CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        await statuses.PrefetchAsync(cancellationToken);
        var placed = new Dictionary<string, SponsoredStatus>();
        var people = tray.Authors.Where(a => a.Unseen > 0).ToList();
        statuses.BeginSession();
        for (var at = 0; at < people.Count; at++)
        {
            foreach (var _ in people[at].Stories.Where(s => !s.Seen))
            {
                watch.Pass(PerStatus);
                statuses.SeeStatus();
            }
            statuses.LeavePerson();
            if (statuses.Next(new AdBoundary(InsideOnePerson: false, people.Count - at - 1)).Status is not { } status) continue;
            placed[people[at].Author] = status;
            watch.Pass(PerStatus);
        }
        return placed;
    }

    /// <summary>One that the tray showed, by the beginning of its digest.</summary>
    public async Task<SponsoredStatus?> FindAsync(string digest, CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        return statuses.FindOpen(digest);
    }

    /// <summary>Seen to its end; tells the service, in a record that names nobody.</summary>
    public async Task<AdSubmission> EndAsync(SponsoredStatus status, CancellationToken cancellationToken)
    {
        var length = status.Files.Max(f => f.File.Duration) is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : PerStatus;
        if (!statuses.End(status, new AdEnd(Quartile.Complete, length, Skipped: false))) throw new IOException("What this device remembers of sponsored statuses cannot be written.");
        return await statuses.SubmitAsync(cancellationToken);
    }

    public void Dispose() => statuses.Dispose();

    /// <summary>The first of a cell to ask waits for a moment: the service makes a catalog only for who is there.</summary>
    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; waited < Patience; waited += Glance)
        {
            try
            {
                await session.Client.ReadCatalogAsync(cell, etag: null, cancellationToken);
                break;
            }
            catch (StoriesProblemException e) when (e.Code == ProblemCodes.CatalogPending)
            {
                await Task.Delay(Glance, TimeProvider.System, cancellationToken);
            }
        }
        var refresh = await statuses.RefreshAsync(cancellationToken);
        if (refresh.Fault is { } fault) throw new NotGenuineException($"The catalog of sponsored statuses is not taken: {fault}.");
    }

    /// <summary>The machine's time, and what passes by watching.</summary>
    private sealed class Watch : TimeProvider
    {
        private TimeSpan passed;

        public void Pass(TimeSpan time) => passed += time;

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + passed;
    }
}
