using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Core.Jobs;
using Stories.Core.Media;
using Stories.Core.Posting;
using Stories.Protocol;
using Stories.Worker.Keys;
using Stories.Worker.Media;

namespace Stories.Worker.Processing;

/// <summary>
/// A turn on a lane: from the uploads of the story whose turn it is to a live story. Claim, decrypt, render, seal, publish,
/// forget. May be run twice, late, or be killed anywhere: the row says what is to be done, and only the holder of the newest
/// claim changes it.
/// </summary>
public sealed class ProcessStory(
    StoriesDb db, StoryClaims claims, StoryWork work, UploadOpener opener, MediaRenderer renderer, RevisionPublisher publisher, UnfinishedRenditions unfinished,
    StoryBlobs storyBlobs, ScratchRoom scratchRoom, IOptions<MediaOptions> options, TimeProvider clock, ILogger<ProcessStory> log) : IProcessPhotoStory, IProcessVideoStory
{
    private const int ReleaseTries = 15;

    Task IProcessPhotoStory.RunAsync(CancellationToken cancellationToken) => RunAsync(Lane.Photo, cancellationToken);

    Task IProcessVideoStory.RunAsync(CancellationToken cancellationToken) => RunAsync(Lane.Video, cancellationToken);

    private async Task RunAsync(Lane lane, CancellationToken cancellationToken)
    {
        // A worker that cannot do it takes nothing: the turn comes again, to another.
        if (!renderer.IsReady) throw new WorkFailedException(ProblemCodes.MediaFailed);
        if (await claims.TakeAsync(lane, cancellationToken) is not { } claim) return;
        CrashPoints.Hit("process:claimed");
        if (claim.ExpiresAt <= clock.GetUtcNow()) await EndAsync(claim, StoryState.ExpiredBeforeLive, code: null);
        else if (claim.IsUsedUp) await EndAsync(claim, StoryState.Rejected, ProblemCodes.MediaFailed);
        else await WorkAsync(claim, cancellationToken);
    }

    private async Task WorkAsync(StoryClaim claim, CancellationToken cancellationToken)
    {
        var keeper = new ClaimKeeper(claims, claim, clock, cancellationToken);
        try
        {
            if (await HoldAsync(claim, keeper)) await FinishAsync(claim);
            else await StepBackAsync(claim);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // Whatever broke because we are being stopped is not the story's fault: the attempt is given back.
            await GiveBackAsync(claim);
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when (keeper.IsLost || e is ClaimLostException)
        {
            await LeaveAsync(claim, counts: !keeper.IsLost);
        }
        catch (MediaRefusedException refused)
        {
            log.LogInformation("Work {WorkId} was refused: {Code}.", claim.WorkId, refused.Code);
            await EndAsync(claim, StoryState.Rejected, refused.Code);
        }
        catch (Exception e)
        {
            log.LogWarning("Work {WorkId} failed in attempt {Attempt}: {Trouble}.", claim.WorkId, claim.Attempt, Trouble.Of(e));
            await FailAsync(claim, counts: Blame.MayBeOfFiles(e), cancellationToken);
        }
    }

    /// <summary>Nothing renews the claim any more when this ends: what is given back stays so.</summary>
    /// <returns>False when others are to go first.</returns>
    private async Task<bool> HoldAsync(StoryClaim claim, ClaimKeeper keeper)
    {
        await using var _ = keeper;
        // With nothing to go on from, the attempt that published the last revision was cut off before it could say so.
        return claim is { Revision: > 0, Unfinished: null } || await ProcessAsync(claim, keeper);
    }

    private async Task<bool> ProcessAsync(StoryClaim claim, ClaimKeeper keeper)
    {
        var manifest = StoriesJson.ReadCanonical<StoryManifest>(claim.Manifest)!;
        var uploads = await db.Uploads.AsNoTracking().Where(u => u.StoryId == claim.Story).OrderBy(u => u.Ordinal).ToListAsync(keeper.Token);
        await using var scratch = await scratchRoom.OpenAsync(keeper.Token);
        var media = new List<PreparedMedia>();
        var room = options.Value.ScratchBytes;
        foreach (var upload in uploads)
        {
            var file = $"upload-{upload.Ordinal}";
            keeper.Stage = Stage.Decrypting;
            room -= await opener.DecryptAsync(upload, manifest.Uploads[upload.Ordinal!.Value], scratch.File(file), room, keeper.Token);
            keeper.Stage = Stage.Probing;
            media.Add(await renderer.PrepareAsync(scratch, file, upload.Lane, claim.Wishes, keeper.Token));
            // All together: a lane is not one story's for hours.
            if (media.Sum(m => m.Video?.Facts.Duration.TotalSeconds ?? 0) > options.Value.StoryDuration.TotalSeconds) throw new MediaRefusedException(MediaCodes.TooLong);
        }
        var processingKey = uploads[0].ProcessingKeyId;
        var earlier = await unfinished.OpenAsync(claim, processingKey, keeper.Token);
        return await new ProcessStoryRevisions(renderer, publisher, unfinished, claims, claim, manifest, processingKey, scratch, keeper, earlier).MakeAsync(media);
    }

    private async Task StepBackAsync(StoryClaim claim)
    {
        if (!await claims.StepBackAsync(claim, CancellationToken.None)) await LeaveAsync(claim);
        else await work.EnqueueTurnAsync(claim.Lane);
    }

    private async Task FinishAsync(StoryClaim claim)
    {
        if (await claims.FinishAsync(claim, CancellationToken.None)) await storyBlobs.DeleteUploadsAsync(claim.Story, CancellationToken.None);
        else await LeaveAsync(claim);
    }

    private async Task EndAsync(StoryClaim claim, StoryState state, string? code)
    {
        if (await claims.EndAsync(claim, state, code, CancellationToken.None)) await storyBlobs.DeleteUploadsAsync(claim.Story, CancellationToken.None);
        else await LeaveAsync(claim);
    }

    /// <summary>The claim does not hold: what is still to be tidied depends on who ended it.</summary>
    /// <param name="counts">If it does hold after all.</param>
    private async Task LeaveAsync(StoryClaim claim, bool counts = true)
    {
        switch (await claims.FindEndAsync(claim, CancellationToken.None))
        {
            case ClaimEnd.Withdrawn:
                await storyBlobs.DeleteAsync(claim.Story, CancellationToken.None);
                break;
            case ClaimEnd.Expired:
                if (await claims.EndAsync(claim, StoryState.ExpiredBeforeLive, code: null, CancellationToken.None))
                    await storyBlobs.DeleteUploadsAsync(claim.Story, CancellationToken.None);
                break;
            case ClaimEnd.Ours:
                await FailAsync(claim, counts, CancellationToken.None);
                break;
            case ClaimEnd.TakenOver:
                break;
        }
    }

    /// <summary>Trouble of ours: once more, until the attempts are used up.</summary>
    private async Task FailAsync(StoryClaim claim, bool counts, CancellationToken cancellationToken)
    {
        if (counts && claim.Attempt >= Story.MaxAttempts)
        {
            await EndAsync(claim, StoryState.Rejected, ProblemCodes.MediaFailed);
            return;
        }
        await ReleaseAsync(claim, counts, cancellationToken);
        throw new WorkFailedException(ProblemCodes.MediaFailed);
    }

    /// <summary>The claim is ours for a while yet: a database that comes back meanwhile has cost no attempt either.</summary>
    private async Task ReleaseAsync(StoryClaim claim, bool counts, CancellationToken cancellationToken)
    {
        for (var round = 1; ; round++)
        {
            try
            {
                await claims.ReleaseAsync(claim, counts, CancellationToken.None);
                return;
            }
            catch (NpgsqlException e) when (Trouble.IsAway(e) && round < ReleaseTries)
            {
                await Task.Delay(ClaimKeeper.Beat, TimeProvider.System, cancellationToken);
            }
        }
    }

    private async Task GiveBackAsync(StoryClaim claim)
    {
        try
        {
            await claims.ReturnAsync(claim, CancellationToken.None);
        }
        catch (NpgsqlException e)
        {
            log.LogWarning("An attempt could not be given back: {Trouble}. Its lease runs out by itself.", Trouble.Of(e));
        }
    }
}
