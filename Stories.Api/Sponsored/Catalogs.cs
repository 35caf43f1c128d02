using System.Collections.Concurrent;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>
/// The catalogs of this epoch in memory, each asked for once and again each second: whatever is stopped is not handed out a second later. Counts
/// who asks by cell and hour, and by nothing else.
/// </summary>
internal sealed class Catalogs(CellCatalogs stored, TimeProvider clock, ILogger<Catalogs> log) : BackgroundService
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    /// <summary>Who comes back when told to is not to be told what was so before.</summary>
    private static readonly TimeSpan FreshNothing = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan FlushEvery = TimeSpan.FromSeconds(30);

    /// <summary>Cells are named by whoever asks: no made-up ones may fill the memory.</summary>
    private const int MostCells = 10_000;

    private readonly ConcurrentDictionary<Cell, Entry> entries = [];
    private readonly ConcurrentDictionary<(Cell Cell, DateTimeOffset Hour), long> fetches = [];

    public async ValueTask<ReadyCatalog?> FindAsync(Cell cell, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var epoch = Catalog.EpochAt(now);
        Count(cell, now);
        if (!entries.TryGetValue(cell, out var entry))
        {
            if (entries.Count >= MostCells) entries.Clear();
            entry = entries.GetOrAdd(cell, _ => new Entry());
        }
        if (entry.Current is { } found && found.IsFresh(epoch, now)) return found.Catalog;
        await entry.Reading.WaitAsync(cancellationToken);
        try
        {
            if (entry.Current is { } read && read.IsFresh(epoch, now)) return read.Catalog;
            var record = await stored.FindAsync(cell, epoch, cancellationToken);
            var same = record is not null && entry.Current is { Catalog: not null, Record: { } before } && before.Signature.AsSpan().SequenceEqual(record.Signature);
            entry.Current = new Reading(epoch, now, record, same ? entry.Current!.Catalog : record is null ? null : new ReadyCatalog(epoch, record, clock));
            // Somebody new: the planner finds it by this.
            if (record is null) await FlushAsync(cancellationToken);
            return entry.Current.Catalog;
        }
        finally
        {
            entry.Reading.Release();
        }
    }

    /// <summary>The same without asking anybody, and uncounted; null when that would take an answer.</summary>
    public ReadyCatalog? FindFresh(Cell cell, DateTimeOffset now) =>
        entries.TryGetValue(cell, out var entry) && entry.Current is { Catalog: { } catalog } found && found.IsFresh(Catalog.EpochAt(now), now) ? catalog : null;

    /// <summary>Somebody of the cell was answered: by this the planner knows how many they are, and when they are awake.</summary>
    public void Count(Cell cell, DateTimeOffset now)
    {
        var key = (cell, DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds() / 3600 * 3600));
        // Counting all keys takes all locks.
        if (fetches.ContainsKey(key) || fetches.Count < MostCells) fetches.AddOrUpdate(key, 1, (_, before) => before + 1);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(FlushEvery, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await TryFlushAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await TryFlushAsync(CancellationToken.None);
        }
    }

    private async Task TryFlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await FlushAsync(cancellationToken);
        }
        catch (Npgsql.NpgsqlException e)
        {
            log.LogWarning("Requests for catalogs were not counted: {Trouble}.", Trouble.Of(e));
        }
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        var taken = new List<(Cell, DateTimeOffset, long)>();
        foreach (var key in fetches.Keys)
            if (fetches.TryRemove(key, out var count)) taken.Add((key.Cell, key.Hour, count));
        await stored.AddFetchesAsync(taken, cancellationToken);
    }

    private sealed class Entry
    {
        public SemaphoreSlim Reading { get; } = new(1, 1);
        public Reading? Current { get; set; }
    }

    private sealed record Reading(long Epoch, DateTimeOffset ReadAt, SignedRecord? Record, ReadyCatalog? Catalog)
    {
        public bool IsFresh(long epoch, DateTimeOffset now) => Epoch == epoch && now - ReadAt < (Catalog is null ? FreshNothing : Fresh);
    }
}
