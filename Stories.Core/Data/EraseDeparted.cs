using Microsoft.EntityFrameworkCore;
using Npgsql;
using Stories.Core.Erasure;
using Stories.Core.Faults;
using Stories.Core.Uploads;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Data;

/// <summary>
/// Everything of a user, or of all users of an app. A row says who is leaving before anything is touched, and while it is there
/// nothing new of theirs is written (<see cref="DepartureGate"/>). Bytes go first, because rows name them; then rows, in pieces; the
/// departure's own with the last of them. Repeatable by anybody from wherever another was cut off; each step asks for the
/// departure's row, so that a slow one never touches somebody who has come back. Two at once do no harm, and the same work twice.
/// </summary>
public sealed class EraseDeparted(StoriesDb db, NpgsqlDataSource database, EndStories ends, StoryBlobs blobs, TimeProvider clock)
{
    /// <summary>Rows that go at once: so few that what is done stays done, however often whoever does it is cut off.</summary>
    public const int Piece = 5_000;

    /// <summary>Statements over all rows of an app take longer than one is usually given.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>All is gone when this returns, even if another is at it too.</summary>
    /// <param name="user">Null: everybody of the app, and the app itself.</param>
    public async Task RunAsync(string app, string? user, CancellationToken cancellationToken)
    {
        var departure = await AskAsync(app, user, cancellationToken);
        CrashPoints.Hit("depart:asked");
        await using var turn = await TakeTurnAsync(departure, cancellationToken);
        await FinishAsync(departure, cancellationToken);
    }

    /// <summary>Goes on with what somebody asked for, unless somebody is at it.</summary>
    public async Task GoOnAsync(Departure departure, CancellationToken cancellationToken)
    {
        await using var turn = await TakeTurnAsync(departure, cancellationToken);
        if (turn is not null) await FinishAsync(departure, cancellationToken);
    }

    private Task<AdvisoryLock?> TakeTurnAsync(Departure departure, CancellationToken cancellationToken) =>
        AdvisoryLock.TryTakeAsync(database, $"depart {departure.Id:N}", cancellationToken);

    private async Task FinishAsync(Departure departure, CancellationToken cancellationToken)
    {
        db.Database.SetCommandTimeout(Patience);
        await RemoveBytesAsync(departure, cancellationToken);
        CrashPoints.Hit("depart:bytes");
        await RemoveRowsAsync(departure, cancellationToken);
    }

    private async Task<Departure> AskAsync(string app, string? user, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlRawAsync(DepartureGate.Close, cancellationToken);
        if (user is null) await db.Apps.Where(a => a.Id == app).ExecuteDeleteAsync(cancellationToken);
        var departure = await db.Departures.AsNoTracking().FirstOrDefaultAsync(d => d.App == app && d.User == user, cancellationToken);
        if (departure is null)
        {
            departure = Departure.Ask(app, user, clock.GetUtcNow());
            db.Departures.Add(departure);
            await db.SaveChangesAsync(cancellationToken);
            db.ChangeTracker.Clear();
        }
        await transaction.CommitAsync(cancellationToken);
        return departure;
    }

    private async Task RemoveBytesAsync(Departure departure, CancellationToken cancellationToken)
    {
        var (id, app, user) = (departure.Id, departure.App, departure.User);
        var stories = db.Stories.Where(s => s.App == app && (user == null || s.User == user) && db.Departures.Any(d => d.Id == id));
        var uploads = db.Uploads.Where(u => u.App == app && (user == null || u.User == user) && db.Departures.Any(d => d.Id == id));

        var open = stories.Where(s => s.State != StoryState.Withdrawn && s.State != StoryState.TakenDown).OrderBy(s => s.Id).Take(Piece);
        while (await EndStories.EmptyAsync(open, StoryState.Withdrawn, code: null, cancellationToken) > 0) CrashPoints.Hit("depart:emptied");
        // Who is still sending bytes finds the upload ended, and takes back what it staged.
        await uploads.Where(u => u.State != UploadState.Consumed && u.ExpiresAt != Upload.Ended).ExecuteUpdateAsync(set => set.SetProperty(u => u.ExpiresAt, Upload.Ended), cancellationToken);
        var withBlobs = await stories.Where(s => db.Renditions.Any(r => r.StoryId == s.Id)).Select(s => s.Id).ToListAsync(cancellationToken);
        await Attempts.EachAsync(withBlobs, story => ends.RemoveAsync(story, cancellationToken), cancellationToken);
        await blobs.DeleteUploadsAsync(uploads, cancellationToken);
    }

    private async Task RemoveRowsAsync(Departure departure, CancellationToken cancellationToken)
    {
        var (app, user) = (departure.App, departure.User);
        var audiences = db.Audiences.Where(a => a.OwnerApp == app && (user == null || a.OwnerUser == user));
        var devices = db.Devices.Where(d => d.App == app && (user == null || d.User == user));
        await RemoveAsync(db.Stories.Where(s => s.App == app && (user == null || s.User == user)).OrderBy(s => s.Id));
        await RemoveAsync(db.Uploads.Where(u => u.App == app && (user == null || u.User == user)).OrderBy(u => u.Id));
        await RemoveAsync(db.Seen.Where(s => s.App == app && (user == null || s.User == user)).OrderBy(s => s.StoryId).ThenBy(s => s.User));
        await RemoveAsync(db.EpochEnvelopes.Where(e => audiences.Any(a => a.Id == e.AudienceId) || devices.Any(d => d.Id == e.DeviceId)).OrderBy(e => e.AudienceId).ThenBy(e => e.Number).ThenBy(e => e.DeviceId));
        await RemoveAsync(db.AudienceEpochs.Where(e => audiences.Any(a => a.Id == e.AudienceId)).OrderBy(e => e.AudienceId).ThenBy(e => e.Number));
        await RemoveAsync(db.AudienceMembers.Where(m => audiences.Any(a => a.Id == m.AudienceId) || (m.App == app && (user == null || m.User == user))).OrderBy(m => m.AudienceId).ThenBy(m => m.User).ThenBy(m => m.FromEpoch));
        await RemoveAsync(audiences.OrderBy(a => a.Id));
        await RemoveAsync(devices.OrderBy(d => d.Id));
        await RemoveAsync(db.Answered.Where(a => a.App == app && (user == null || a.User == user)).OrderBy(a => a.User).ThenBy(a => a.Key));
        await RemoveAsync(db.RecordQuotas.Where(q => q.App == app && (user == null || q.User == user)).OrderBy(q => q.User).ThenBy(q => q.Day));
        await WithinAsync(departure, () => RemoveLastAsync(departure, cancellationToken), cancellationToken);

        async Task RemoveAsync<T>(IOrderedQueryable<T> rows)
        {
            while (await WithinAsync(departure, () => rows.Take(Piece).ExecuteDeleteAsync(cancellationToken), cancellationToken) == Piece) CrashPoints.Hit("depart:piece");
        }
    }

    /// <returns>How many rows; 0 as well when another has done all of it.</returns>
    private async Task<int> WithinAsync(Departure departure, Func<Task<int>> removeAsync, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if ((await db.Database.SqlQuery<Guid>($"select id as \"Value\" from departures where id = {departure.Id} for update").ToListAsync(cancellationToken)).Count == 0) return 0;
        var removed = await removeAsync();
        await transaction.CommitAsync(cancellationToken);
        return removed;
    }

    /// <summary>What is few, or stays without a name.</summary>
    private async Task<int> RemoveLastAsync(Departure departure, CancellationToken cancellationToken)
    {
        var (id, app, user) = (departure.Id, departure.App, departure.User);
        // What was taken down stays counted; who did it goes.
        await db.Takedowns.Where(t => user == null ? t.Moderator.StartsWith(app + "/") : t.Moderator == app + "/" + user)
            .ExecuteUpdateAsync(set => set.SetProperty(t => t.Moderator, ""), cancellationToken);
        await db.Reviews.Where(r => user == null ? r.Reviewer.StartsWith(app + "/") : r.Reviewer == app + "/" + user)
            .ExecuteUpdateAsync(set => set.SetProperty(r => r.Reviewer, ""), cancellationToken);
        await CloseAdvertisersAsync(app, user, cancellationToken);
        return await db.Departures.Where(d => d.Id == id).ExecuteDeleteAsync(cancellationToken);
    }

    /// <summary>The ledger and the public repository need to know who paid; nobody needs the account, and nothing more is shown.</summary>
    private async Task CloseAdvertisersAsync(string app, string? user, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var advertisers = await db.Advertisers.FromSql($"select * from advertisers where app = {app} and \"user\" <> '' and \"user\" = coalesce({user}, \"user\") order by id for update")
            .AsNoTracking().ToListAsync(cancellationToken);
        if (advertisers.Count == 0) return;
        var ids = advertisers.Select(a => a.Id).ToList();
        await db.Advertisers.Where(a => ids.Contains(a.Id)).ExecuteUpdateAsync(set => set
            .SetProperty(a => a.State, AdvertiserState.Closed).SetProperty(a => a.DecidedAt, now).SetProperty(a => a.User, "").SetProperty(a => a.Contact, ""), cancellationToken);
        // What was shown the repository has for a year; the worker erases the rest.
        await db.Creatives.Where(c => ids.Contains(c.AdvertiserId) && c.State != CreativeState.Withdrawn)
            .ExecuteUpdateAsync(set => set.SetProperty(c => c.State, CreativeState.Withdrawn).SetProperty(c => c.ChangedAt, now), cancellationToken);
        // Last, because whoever issues catalogs waits from here on.
        await DropCatalogs.OfAdvertisersAsync(db, ids, now, cancellationToken);
    }
}
