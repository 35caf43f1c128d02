using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Core.Media;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Worker.Keys;
using Stories.Worker.Media;

namespace Stories.Worker.Sponsored;

/// <summary>
/// From an upload's ciphertext to a creative that can be reviewed: decrypt, look, render to <c>clear</c>, check, store, and take the digest over all
/// that is shown. In the same sandbox as stories. Repeatable by any worker: the row says whose attempt it is.
/// </summary>
public sealed class MakeCreatives(
    StoriesDb db, UploadOpener opener, MediaRenderer renderer, VideoProbe probe, VideoRenderer videos, PhotoChildren photos, CreativeBlobs blobs, StoryBlobs uploads, ScratchRoom scratchRoom,
    IServiceScopeFactory scopes, IOptions<MediaOptions> options, TimeProvider clock, ILogger<MakeCreatives> log)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(8);

    /// <summary>Somebody who waits for longer in the dark has skipped; at the end it is paid for, and shows nothing.</summary>
    private static readonly TimeSpan MostBlackAtAnEnd = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AFrame = TimeSpan.FromSeconds(0.1);
    private const double MostBlack = 0.5;

    /// <summary>Seconds: a clip may begin black for so long, and black looks like black.</summary>
    private const double PosterAt = 1;

    /// <summary>Makes all that wait, one after the other: stories come first, on lanes of their own.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (renderer.IsReady && await TakeAsync(cancellationToken) is { } creative) await WorkAsync(creative, cancellationToken);
    }

    private async Task<Creative?> TakeAsync(CancellationToken cancellationToken)
    {
        db.ChangeTracker.Clear();
        var now = clock.GetUtcNow();
        Creative? taken;
        await using (var transaction = await db.Database.BeginTransactionAsync(cancellationToken))
        {
            taken = (await db.Creatives.FromSql($"""
                select * from creatives where state = 'Processing' and (claimed_until is null or claimed_until < {now}) order by changed_at limit 1 for update skip locked
                """).ToListAsync(cancellationToken)).SingleOrDefault();
            if (taken is null) return null;
            if (taken.Container is { } left) await RemoveLeftAsync(left, cancellationToken);
            // A file that kills the process uses its attempts up.
            if (taken.Attempt >= Creative.MaxAttempts) taken.Refuse(ProblemCodes.MediaFailed, now);
            else taken.Start(blobs.NewContainer(), now + Lease);
            await db.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        CrashPoints.Hit("creative:claimed");
        if (taken.State == CreativeState.Processing) return taken;
        await ForgetUploadAsync(taken, cancellationToken);
        return await TakeAsync(cancellationToken);
    }

    /// <summary>What an attempt that was cut off left: while storage is away none begins, and what storage will not let go is the audit's.</summary>
    private async Task RemoveLeftAsync(string container, CancellationToken cancellationToken)
    {
        try
        {
            await blobs.DeleteAsync(container, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && Blame.MayBeOfFiles(e))
        {
            log.LogWarning("What an earlier attempt at a creative left could not be removed: {Trouble}.", Trouble.Of(e));
        }
    }

    private async Task WorkAsync(Creative creative, CancellationToken cancellationToken)
    {
        using var held = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var keeping = KeepAsync(creative, held);
        try
        {
            try
            {
                var made = await MakeAsync(creative, held.Token);
                await EndAsync(creative, row => Finish(row, made), cancellationToken);
            }
            catch (MediaRefusedException refused)
            {
                log.LogInformation("A creative was refused: {Code}.", refused.Code);
                await EndAsync(creative, row => { row.Refuse(refused.Code, clock.GetUtcNow()); return Task.CompletedTask; }, cancellationToken);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // The lease runs out, and the next attempt begins.
            log.LogWarning("A creative failed in attempt {Attempt}: {Trouble}.", creative.Attempt, held.IsCancellationRequested ? "the claim is lost" : Trouble.Of(e));
            if (!Blame.MayBeOfFiles(e)) await ForgiveAsync(creative, cancellationToken);
        }
        finally
        {
            await held.CancelAsync();
            await keeping;
        }
    }

    /// <summary>The attempt does not count.</summary>
    private Task<int> ForgiveAsync(Creative creative, CancellationToken cancellationToken) => Held(db, creative)
        .ExecuteUpdateAsync(set => set.SetProperty(c => c.Attempt, c => c.Attempt - 1), cancellationToken);

    private async Task<Made> MakeAsync(Creative creative, CancellationToken cancellationToken)
    {
        var upload = await db.Uploads.AsNoTracking().SingleOrDefaultAsync(u => u.Id == creative.UploadId, cancellationToken) ?? throw new MediaRefusedException(ProblemCodes.UploadBytesLost);
        await using var scratch = await scratchRoom.OpenAsync(cancellationToken);
        const string file = "upload-0";
        await opener.DecryptAsync(upload, new Digest(creative.UploadSha256, creative.UploadLength), scratch.File(file), options.Value.ScratchBytes, cancellationToken);
        var media = await renderer.PrepareAsync(scratch, file, creative.Lane, new RenderWishes(PosterAt: PosterAt), cancellationToken);
        if (media.Video is { } source)
        {
            if (CreativeRules.FindMediaFault(source.Facts.ShownWidth, source.Facts.ShownHeight, source.Facts.Duration) is { } fault) throw new MediaRefusedException(fault);
            CheckBlack(await videos.FindBlackAsync(scratch, source, cancellationToken), source.Facts.Duration);
        }
        var files = new List<RenderedFile>();
        await foreach (var set in renderer.RenderAsync(media, scratch, made: 0, _ => { }, cancellationToken)) files.AddRange(set.Files);
        if (media.Video is null && files.Find(f => f.Duration is not null) is { } animation) await CheckBlackAsync(scratch, animation, cancellationToken);
        var shown = files.MaxBy(f => f.Width)!;
        if (CreativeRules.FindMediaFault(shown.Width, shown.Height, files.Max(f => f.Duration)) is { } odd) throw new MediaRefusedException(odd);

        var still = files.Where(f => f.MediaType.StartsWith("image/", StringComparison.Ordinal)).MaxBy(f => f.Width)!;
        var seen = await photos.LookAsync(still.Path, cancellationToken);
        var look = Look.Of(seen.Grey);
        // A picture with nothing on it is none.
        if (look is null && files.All(f => f.Duration is null)) throw new MediaRefusedException(ProblemCodes.MediaBlackFrames);
        return new Made(await StoreAsync(creative, files, cancellationToken), look, SafeZone.FindOddity(seen.Edges));
    }

    /// <summary>Of an animation: as it was rendered, because a picture is not what the probe reads.</summary>
    private async Task CheckBlackAsync(Scratch scratch, RenderedFile animation, CancellationToken cancellationToken)
    {
        var file = Path.GetFileName(animation.Path);
        var facts = await probe.ReadAsync(scratch, file, MediaKind.Mp4, cancellationToken);
        CheckBlack(await videos.FindBlackAsync(scratch, new VideoSource(file, Guards.For(MediaKind.Mp4), facts), cancellationToken), facts.Duration);
    }

    private static void CheckBlack(IReadOnlyList<(TimeSpan From, TimeSpan To)> black, TimeSpan whole)
    {
        var all = black.Sum(b => (b.To - b.From).TotalSeconds);
        var isMostly = all > MostBlack * whole.TotalSeconds;
        var isAtAnEnd = black.Any(b => b.To - b.From > MostBlackAtAnEnd && (b.From < AFrame || b.To > whole - AFrame));
        if (isMostly || isAtAnEnd) throw new MediaRefusedException(ProblemCodes.MediaBlackFrames);
    }

    private async Task<IReadOnlyList<StoredMedia>> StoreAsync(Creative creative, IReadOnlyList<RenderedFile> files, CancellationToken cancellationToken)
    {
        await blobs.CreateContainerAsync(creative.Container!, cancellationToken);
        CrashPoints.Hit("creative:container");
        var stored = new List<StoredMedia>();
        foreach (var file in files)
        {
            await using var content = File.OpenRead(file.Path);
            var digest = new Digest(Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(content, cancellationToken)), content.Length);
            content.Position = 0;
            var name = BlobNames.NewBlob();
            if (!await blobs.WriteAsync(creative.Container!, name, content, file.MediaType, cancellationToken)) throw new OperationCanceledException("The container is gone.");
            stored.Add(new StoredMedia(new CreativeMedia(file.Name, file.MediaType, file.Codecs, file.Width, file.Height, file.Duration is { } d ? (long)d.TotalMilliseconds : null, digest), name));
        }
        CrashPoints.Hit("creative:stored");
        return stored;
    }

    private async Task Finish(Creative row, Made made)
    {
        var now = clock.GetUtcNow();
        row.Finish(new CreativeContent(row.Facts, [.. made.Media.Select(m => m.File)]), made.Media, made.Look, made.Oddity, now);
        if (made.Look is not { } look) return;
        // What was refused for what it shows does not come back in other bytes, whoever brings it, and whether the first was withdrawn.
        var refused = await (
            from refusal in Refusals.Standing(db)
            join other in db.Creatives on refusal.CreativeId equals other.Id
            where other.PerceptualHash != null && other.Id != row.Id
            select new { Look = other.PerceptualHash!.Value, refusal.Reasons }).ToListAsync();
        if (!refused.Exists(r => CreativeRules.IsOfThePicture(r.Reasons) && Look.IsSame(r.Look, look))) return;
        row.Refuse(ProblemCodes.MediaResubmitted, now);
        db.Reviews.Add(Review.Decide(row.Id, [ReviewReason.Resubmitted], now));
    }

    /// <summary>What came of an attempt, unless another has begun or the creative was withdrawn.</summary>
    private async Task EndAsync(Creative creative, Func<Creative, Task> change, CancellationToken cancellationToken)
    {
        db.ChangeTracker.Clear();
        await using (var transaction = await db.Database.BeginTransactionAsync(cancellationToken))
        {
            var row = (await db.Creatives.FromSql($"select * from creatives where id = {creative.Id} for update").ToListAsync(cancellationToken)).SingleOrDefault();
            if (row?.IsHeldWith(creative.Container) is not true)
            {
                await blobs.DeleteAsync(creative.Container!, cancellationToken);
                return;
            }
            await change(row);
            await db.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        CrashPoints.Hit("creative:ended");
        await ForgetUploadAsync(creative, cancellationToken);
    }

    private Task ForgetUploadAsync(Creative creative, CancellationToken cancellationToken) =>
        uploads.DeleteUploadsAsync(db.Uploads.Where(u => u.Id == creative.UploadId), cancellationToken);

    private async Task KeepAsync(Creative creative, CancellationTokenSource held)
    {
        try
        {
            using var timer = new PeriodicTimer(RenewEvery, TimeProvider.System);
            while (await timer.WaitForNextTickAsync(held.Token))
            {
                await using var scope = scopes.CreateAsyncScope();
                var until = clock.GetUtcNow() + Lease;
                var kept = await Held(scope.ServiceProvider.GetRequiredService<StoriesDb>(), creative)
                    .ExecuteUpdateAsync(set => set.SetProperty(c => c.ClaimedUntil, until), held.Token);
                if (kept == 0) await held.CancelAsync();
            }
        }
        catch (OperationCanceledException) when (held.IsCancellationRequested)
        {
            // It has ended, or is somebody else's.
        }
        catch (Exception e)
        {
            log.LogWarning("A claim could not be renewed: {Trouble}.", Trouble.Of(e));
        }
    }

    /// <summary>As <see cref="Creative.IsHeldWith"/>.</summary>
    private static IQueryable<Creative> Held(StoriesDb db, Creative creative)
    {
        var (id, container) = (creative.Id, creative.Container);
        return db.Creatives.Where(c => c.Id == id && c.Container == container && c.State == CreativeState.Processing);
    }

    private sealed record Made(IReadOnlyList<StoredMedia> Media, long? Look, string? Oddity);
}
