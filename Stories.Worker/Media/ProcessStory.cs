using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Stories.Core;
using Stories.Core.Data;
using Stories.Core.Jobs;
using Stories.Core.Media;
using Stories.Core.Uploads;
using Stories.Protocol;

namespace Stories.Worker.Media;

/// <summary>
/// From uploads to a live story: claim, decrypt, render, seal, publish, forget. May be run twice, late, or be killed anywhere:
/// the row says what is to be done, and only the holder of the newest claim changes it.
/// </summary>
public sealed class ProcessStory(
    StoriesDb db, StoryClaims claims, UploadOpener opener, MediaRenderer renderer, RevisionPublisher publisher, StoryBlobs storyBlobs, ScratchRoom scratchRoom,
    IOptions<MediaOptions> options, ILogger<ProcessStory> log) : IProcessPhotoStory, IProcessVideoStory
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);

    public async Task RunAsync(Guid workId, CancellationToken cancellationToken)
    {
        var (claim, loss, story) = await claims.TakeAsync(workId, cancellationToken);
        if (claim is null)
        {
            if (loss == ClaimLoss.NothingToDo) return;
            await EndAsync(story, loss == ClaimLoss.Expired ? StoryState.ExpiredBeforeLive : StoryState.Rejected, loss == ClaimLoss.Expired ? null : ProblemCodes.MediaFailed);
            return;
        }
        CrashPoints.Hit("process:claimed");

        using var work = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var progress = new Progress();
        var heart = BeatAsync(claim, progress, work);
        try
        {
            await ProcessAsync(claim, progress, work.Token);
            await claims.FinishAsync(claim, CancellationToken.None);
            await storyBlobs.DeleteUploadsAsync(claim.Story, CancellationToken.None);
        }
        catch (MediaRefusedException refused)
        {
            log.LogInformation("Work {WorkId} was refused: {Code}.", workId, refused.Code);
            await EndAsync(claim.Story, StoryState.Rejected, refused.Code);
        }
        catch (ClaimLostException)
        {
            await ForgetIfEndedAsync(claim);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // Whatever broke because we are being stopped is not the story's fault: the attempt is given back.
            await claims.ReleaseAsync(claim, returnAttempt: true, CancellationToken.None);
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception) when (work.IsCancellationRequested)
        {
            await ForgetIfEndedAsync(claim);
        }
        catch (Exception e)
        {
            // Messages may quote what a library was working on; Hangfire's tables and our log get the kind of trouble only.
            await claims.ReleaseAsync(claim, returnAttempt: false, CancellationToken.None);
            log.LogWarning("Work {WorkId} failed in attempt {Attempt}: {Trouble}.", workId, claim.Attempt, e.GetType().Name);
            throw new WorkFailedException(ProblemCodes.MediaFailed);
        }
        finally
        {
            await work.CancelAsync();
            await heart;
        }
    }

    private async Task ProcessAsync(StoryClaim claim, Progress progress, CancellationToken cancellationToken)
    {
        var manifest = StoriesJson.ReadCanonical<StoryManifest>(claim.Manifest)!;
        var uploads = await db.Uploads.AsNoTracking().Where(u => u.StoryId == claim.Story).OrderBy(u => u.Ordinal).ToListAsync(cancellationToken);
        var lastPart = await db.Renditions.Where(r => r.StoryId == claim.Story).MaxAsync(r => (int?)r.Part, cancellationToken) ?? 0;
        await using var scratch = scratchRoom.Open();
        var media = new List<PreparedMedia>();
        foreach (var upload in uploads)
        {
            var file = $"upload-{upload.Ordinal}";
            progress.Stage = Stage.Decrypting;
            await opener.DecryptAsync(upload, manifest.Uploads[upload.Ordinal!.Value], scratch.File(file), options.Value.ScratchBytes, cancellationToken);
            progress.Stage = Stage.Probing;
            media.Add(await renderer.PrepareAsync(scratch, file, upload.Lane, cancellationToken));
        }
        await new Work(renderer, publisher, claim, manifest, scratch, progress, lastPart).RunAsync(media, cancellationToken);
    }

    /// <summary>Keeps the claim and shows the author how far it is; ends the work when the claim is lost.</summary>
    private async Task BeatAsync(StoryClaim claim, Progress progress, CancellationTokenSource work)
    {
        try
        {
            using var timer = new PeriodicTimer(Beat, TimeProvider.System);
            while (await timer.WaitForNextTickAsync(work.Token))
                if (!await claims.RenewAsync(claim, progress.Stage, progress.Percent, work.Token)) await work.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // The work is over.
        }
        catch (Npgsql.NpgsqlException)
        {
            // Without the database nothing can be published either; the lease runs out by itself.
            await work.CancelAsync();
        }
    }

    /// <summary>Withdrawn or expired: the input goes too. Taken over by another worker: it still needs the input.</summary>
    private async Task ForgetIfEndedAsync(StoryClaim claim)
    {
        var state = await db.Stories.AsNoTracking().Where(s => s.Id == claim.Story).Select(s => new { s.State, s.Attempt, s.ExpiresAt }).SingleOrDefaultAsync(CancellationToken.None);
        if (state is null || state.State == StoryState.Withdrawn) await storyBlobs.DeleteAsync(claim.Story, CancellationToken.None);
        else if (state.Attempt == claim.Attempt) await EndAsync(claim.Story, StoryState.ExpiredBeforeLive, code: null);
    }

    private async Task EndAsync(Guid story, StoryState state, string? code)
    {
        await claims.EndAsync(story, state, code, CancellationToken.None);
        await storyBlobs.DeleteUploadsAsync(story, CancellationToken.None);
    }

    private sealed class Progress
    {
        public Stage Stage { get; set; } = Stage.Decrypting;
        public int Percent { get; set; }
    }

    /// <summary>Renders several uploads side by side in revisions: the first as soon as each has something to show.</summary>
    private sealed class Work(
        MediaRenderer renderer, RevisionPublisher publisher, StoryClaim claim, StoryManifest manifest, Scratch scratch, Progress progress, int lastPart)
    {
        private readonly List<StoredRendition> all = [];
        private byte[]? preview;
        private int part = lastPart;
        private int revision = claim.Revision;

        public async Task RunAsync(List<PreparedMedia> media, CancellationToken cancellationToken)
        {
            var sets = media.ConvertAll(m => renderer.RenderAsync(m, scratch, percent => progress.Percent = percent, cancellationToken).GetAsyncEnumerator(cancellationToken));
            try
            {
                while (await NextRevisionAsync(sets, cancellationToken))
                {
                }
            }
            finally
            {
                foreach (var set in sets) await set.DisposeAsync();
            }
        }

        /// <returns>False when no upload had anything more.</returns>
        private async Task<bool> NextRevisionAsync(List<IAsyncEnumerator<RenditionSet>> sets, CancellationToken cancellationToken)
        {
            var added = new List<StoredRendition>();
            try
            {
                for (var upload = 0; upload < sets.Count; upload++)
                {
                    progress.Stage = Stage.Rendering;
                    if (!await sets[upload].MoveNextAsync()) continue;
                    CrashPoints.Hit("process:rendered");
                    progress.Stage = Stage.Sealing;
                    preview ??= sets[upload].Current.Preview;
                    foreach (var file in sets[upload].Current.Files)
                        added.Add(await publisher.StoreAsync(claim, manifest, file, ++part, upload, cancellationToken));
                }
                if (added.Count == 0) return false;
                CrashPoints.Hit("process:uploaded");
                all.AddRange(added);
                await publisher.PublishAsync(claim, manifest, ++revision, all, added, preview, cancellationToken);
                CrashPoints.Hit("process:published");
                return true;
            }
            catch (Exception e) when (e is not ClaimLostException)
            {
                await publisher.DiscardAsync(claim, added);
                throw;
            }
        }
    }
}

/// <summary>All that Hangfire's tables and dashboard are told of a failure.</summary>
public sealed class WorkFailedException(string code) : Exception(code);
