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
/// nothing new of theirs is written (<see cref="DepartureGate"/>). Bytes go first, because rows name them; then all rows in one
/// transaction, with the departure's own. Repeatable by anybody from wherever another was cut off; each step asks for the
/// departure's row, so that a slow one never touches somebody who has come back. Two at once do no harm, and the same work twice.
/// </summary>
public sealed class EraseDeparted(StoriesDb db, NpgsqlDataSource database, EndStories ends, StoryBlobs blobs, TimeProvider clock)
{
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

        await EndStories.EmptyAsync(stories, StoryState.Withdrawn, code: null, cancellationToken);
        // Who is still sending bytes finds the upload ended, and takes back what it staged.
        await uploads.Where(u => u.State != UploadState.Consumed).ExecuteUpdateAsync(set => set.SetProperty(u => u.ExpiresAt, Upload.Ended), cancellationToken);
        var withBlobs = await stories.Where(s => db.Renditions.Any(r => r.StoryId == s.Id)).Select(s => s.Id).ToListAsync(cancellationToken);
        await Attempts.EachAsync(withBlobs, story => ends.RemoveAsync(story, cancellationToken), cancellationToken);
        await blobs.DeleteUploadsAsync(uploads, cancellationToken);
    }

    private async Task RemoveRowsAsync(Departure departure, CancellationToken cancellationToken)
    {
        var (id, app, user) = (departure.Id, departure.App, departure.User);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // Another is doing it, or has done it.
        if ((await db.Database.SqlQuery<Guid>($"select id as \"Value\" from departures where id = {id} for update").ToListAsync(cancellationToken)).Count == 0) return;

        var audiences = db.Audiences.Where(a => a.OwnerApp == app && (user == null || a.OwnerUser == user));
        var devices = db.Devices.Where(d => d.App == app && (user == null || d.User == user));
        await db.EpochEnvelopes.Where(e => audiences.Any(a => a.Id == e.AudienceId) || devices.Any(d => d.Id == e.DeviceId)).ExecuteDeleteAsync(cancellationToken);
        await db.AudienceEpochs.Where(e => audiences.Any(a => a.Id == e.AudienceId)).ExecuteDeleteAsync(cancellationToken);
        await db.AudienceMembers.Where(m => audiences.Any(a => a.Id == m.AudienceId) || (m.App == app && (user == null || m.User == user))).ExecuteDeleteAsync(cancellationToken);
        await audiences.ExecuteDeleteAsync(cancellationToken);
        await devices.ExecuteDeleteAsync(cancellationToken);
        await db.Seen.Where(s => s.App == app && (user == null || s.User == user)).ExecuteDeleteAsync(cancellationToken);
        await db.Uploads.Where(u => u.App == app && (user == null || u.User == user)).ExecuteDeleteAsync(cancellationToken);
        await db.Stories.Where(s => s.App == app && (user == null || s.User == user)).ExecuteDeleteAsync(cancellationToken);
        // What was taken down stays counted; who did it goes.
        await db.Takedowns.Where(t => user == null ? t.Moderator.StartsWith(app + "/") : t.Moderator == app + "/" + user)
            .ExecuteUpdateAsync(set => set.SetProperty(t => t.Moderator, ""), cancellationToken);
        await db.Reviews.Where(r => user == null ? r.Reviewer.StartsWith(app + "/") : r.Reviewer == app + "/" + user)
            .ExecuteUpdateAsync(set => set.SetProperty(r => r.Reviewer, ""), cancellationToken);
        await db.Answered.Where(a => a.App == app && (user == null || a.User == user)).ExecuteDeleteAsync(cancellationToken);
        await db.RecordQuotas.Where(q => q.App == app && (user == null || q.User == user)).ExecuteDeleteAsync(cancellationToken);
        await CloseAdvertisersAsync(app, user, cancellationToken);
        await db.Departures.Where(d => d.Id == id).ExecuteDeleteAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
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
