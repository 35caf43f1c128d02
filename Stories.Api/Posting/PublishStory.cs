using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Api.Hosting;
using Stories.Core.Apps;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Core.Posting;
using Stories.Core.Uploads;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Posting;

/// <summary>
/// <c>PUT /v1/stories/{id}</c>: makes a story of uploads that have arrived. Idempotent by nature: the client chooses the id,
/// and the same signed manifest again gets the same answer.
/// </summary>
internal sealed class PublishStory(
    StoriesDb db, OpenBuckets buckets, BucketKeys keys, UploadCommit commit, StoryWork work, IOptions<PostingOptions> options, TimeProvider clock)
{
    public static Task<Results<Accepted<StoryProgress>, Ok<StoryProgress>, ProblemHttpResult>> Handle(
        Guid id, PublishRequest request, Caller caller, PublishStory publish, CancellationToken cancellationToken) =>
        publish.RunAsync(id, request, caller.Name, cancellationToken);

    private async Task<Results<Accepted<StoryProgress>, Ok<StoryProgress>, ProblemHttpResult>> RunAsync(
        Guid id, PublishRequest request, UserName author, CancellationToken cancellationToken)
    {
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(request.Manifest));
        if (await EarlierAsync(id, author, sha256, cancellationToken) is { } earlier) return Answer(earlier);

        if (Publication.Refusal(id, author, request, clock.GetUtcNow(), out var manifest) is { } broken) return Problems.Of(broken);
        if (await SignerAsync(manifest, author, request, cancellationToken) is not { } signer) return Problems.Of(ProblemCodes.StorySignatureInvalid);
        if (await AudienceRefusalAsync(manifest, author, cancellationToken) is { } noAudience) return Problems.Of(noAudience);
        var (lane, uploadRefusal) = await PrepareUploadsAsync(request.Uploads, manifest, author, cancellationToken);
        if (uploadRefusal is not null) return Problems.Of(uploadRefusal);
        if (lane is { } wanted && await IsBackloggedAsync(wanted, Publication.Lifetime(manifest), cancellationToken)) return Problems.Of(ProblemCodes.StoryBacklog);

        var expiresAt = clock.GetUtcNow() + Publication.Lifetime(manifest);
        if (await buckets.ForAsync(expiresAt, cancellationToken) is not { } bucket || await keys.FindAsync(bucket.Container, bucket.EndsAt, cancellationToken) is not { } key)
            return Problems.Of(ProblemCodes.Unavailable);

        var story = Story.Accept(
            manifest, author, bucket.Id, request.Manifest, request.Signature, signer.SigningKey, sha256,
            key.Wrap(id, SealedField.KeyEnvelope, request.KeyEnvelope),
            request.Payload is { } payload ? key.Wrap(id, SealedField.Payload, payload) : null,
            request.Wishes ?? new RenderWishes(), lane, Guid.NewGuid(), RandomNumberGenerator.GetBytes(ErasureTicket.LeafBytes), expiresAt, expiresAt - Publication.Lifetime(manifest));

        if (await SaveAsync(story, request.Uploads, cancellationToken) is { } refused)
            return await EarlierAsync(id, author, sha256, cancellationToken) is { } race ? Answer(race) : Problems.Of(refused);

        // From here on the row is not written any more: a worker that is quicker passes over rows that somebody writes, and its turn would be gone.
        if (lane is { } queue) await work.EnqueueTurnAsync(queue);
        return TypedResults.Accepted($"/v1/stories/{id}/progress", Told(story));
    }

    private Results<Accepted<StoryProgress>, Ok<StoryProgress>, ProblemHttpResult> Answer(Earlier earlier) =>
        !earlier.IsSame ? Problems.Of(ProblemCodes.StoryIdTaken)
        : earlier.HasExpired ? Problems.Of(ProblemCodes.StoryEnded)
        : TypedResults.Ok(Told(earlier.Story));

    /// <summary>Whoever lost the first answer gets the ticket by asking again.</summary>
    private StoryProgress Told(Story story) => story.Progress with { Ticket = buckets.Ticket(story) };

    private async Task<Earlier?> EarlierAsync(Guid id, UserName author, string sha256, CancellationToken cancellationToken) =>
        await db.Stories.AsNoTracking().SingleOrDefaultAsync(s => s.Id == id, cancellationToken) is { } story
            ? new Earlier(story, story.Author == author && story.ManifestSha256 == sha256, story.HasExpired(clock.GetUtcNow()))
            : null;

    private async Task<Device?> SignerAsync(StoryManifest manifest, UserName author, PublishRequest request, CancellationToken cancellationToken)
    {
        var device = await db.Devices.AsNoTracking().SingleOrDefaultAsync(d => d.Id == manifest.Device, cancellationToken);
        return device?.Owner == author && Signatures.Verify(device.SigningKey, SignaturePurpose.StoryManifest, request.Manifest, request.Signature) ? device : null;
    }

    private async Task<string?> AudienceRefusalAsync(StoryManifest manifest, UserName author, CancellationToken cancellationToken)
    {
        var audience = await db.Audiences.AsNoTracking().SingleOrDefaultAsync(a => a.Id == manifest.Audience, cancellationToken);
        if (audience?.Owner != author) return ProblemCodes.AudienceUnknown;
        return audience.Epoch == manifest.Epoch ? null : ProblemCodes.StoryEpochUnknown;
    }

    /// <summary>All uploads are the author's, whole, unused, of the story's level, and as long as signed.</summary>
    private async Task<(Lane? Lane, string? Refusal)> PrepareUploadsAsync(
        IReadOnlyList<Guid> ids, StoryManifest manifest, UserName author, CancellationToken cancellationToken)
    {
        if (ids.Count == 0) return (null, null);
        var now = clock.GetUtcNow();
        var uploads = await db.Uploads.AsNoTracking().Where(u => ids.Contains(u.Id) && u.App == author.App && u.User == author.User).ToListAsync(cancellationToken);
        for (var ordinal = 0; ordinal < ids.Count; ordinal++)
        {
            var upload = uploads.Find(u => u.Id == ids[ordinal]);
            if (upload is null || (upload.HasExpired(now) && upload.State != UploadState.Consumed)) return (null, ProblemCodes.UploadUnknown);
            if (upload.State == UploadState.Consumed) return (null, ProblemCodes.UploadAlreadyUsed);
            if (upload.State == UploadState.Receiving) return (null, ProblemCodes.UploadUnfinished);
            if (upload.Level != manifest.Level) return (null, ProblemCodes.UploadLevelMismatch);
            if (upload.Length != manifest.Uploads[ordinal].Length) return (null, ProblemCodes.StoryPayloadMismatch);
            if (upload.State == UploadState.Received && !await commit.CommitAsync(upload.Id, cancellationToken)) return (null, ProblemCodes.UploadBytesLost);
        }
        return (uploads.Exists(u => u.Lane == Lane.Video) ? Lane.Video : Lane.Photo, null);
    }

    private async Task<bool> IsBackloggedAsync(Lane lane, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var oldest = await db.Stories
            .Where(s => s.Work == WorkState.Pending && s.Lane == lane && s.Revision == 0 && s.ClaimedUntil == null)
            .OrderBy(s => s.AcceptedAt).Select(s => (DateTimeOffset?)s.AcceptedAt).FirstOrDefaultAsync(cancellationToken);
        return oldest is { } since && clock.GetUtcNow() - since > lifetime;
    }

    /// <summary>One transaction: the bucket is still open, the quota holds, the uploads are ours alone.</summary>
    private async Task<string?> SaveAsync(Story story, IReadOnlyList<Guid> uploads, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (!await DepartureGate.PassAsync(db, [story.Author], cancellationToken)) return ProblemCodes.Unavailable;
        // Against sealing: whoever comes second loses cleanly.
        var open = await db.Database.SqlQuery<Guid>($"select id as \"Value\" from buckets where id = {story.BucketId} and state = 'Open' for share").ToListAsync(cancellationToken);
        if (open.Count == 0) return ProblemCodes.Unavailable;

        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({"stories of " + story.Author}, 0))", cancellationToken);
        var live = await db.Stories.CountAsync(s => s.App == story.App && s.User == story.User && s.ExpiresAt > now &&
            (s.State == StoryState.Accepted || s.State == StoryState.Processing || s.State == StoryState.Live), cancellationToken);
        if (live >= options.Value.LiveStoriesPerUser) return ProblemCodes.QuotaStories;

        // Both were there when we looked; the author, or the audience, may have gone since.
        if (!await db.Devices.AnyAsync(d => d.Id == story.DeviceId && d.App == story.App && d.User == story.User, cancellationToken)) return ProblemCodes.StorySignatureInvalid;
        var audience = await db.Database.SqlQuery<int>($"select epoch as \"Value\" from audiences where id = {story.AudienceId} for share").ToListAsync(cancellationToken);
        if (audience is not [var epoch]) return ProblemCodes.AudienceUnknown;
        if (epoch != story.Epoch) return ProblemCodes.StoryEpochUnknown;

        db.Stories.Add(story);
        db.ErasureLeaves.Add(ErasureLeaf.Of(story.BucketId, story.Leaf));
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return ProblemCodes.StoryIdTaken;
        }
        for (var ordinal = 0; ordinal < uploads.Count; ordinal++)
        {
            var (id, place) = (uploads[ordinal], ordinal);
            var taken = await db.Uploads.Where(u => u.Id == id && u.State == UploadState.Committed && u.ExpiresAt > now).ExecuteUpdateAsync(set => set
                .SetProperty(u => u.State, UploadState.Consumed)
                .SetProperty(u => u.StoryId, story.Id)
                .SetProperty(u => u.BucketId, story.BucketId)
                .SetProperty(u => u.Ordinal, place), cancellationToken);
            if (taken == 0) return ProblemCodes.UploadAlreadyUsed;
        }
        await transaction.CommitAsync(cancellationToken);
        return null;
    }

    private sealed record Earlier(Story Story, bool IsSame, bool HasExpired);
}
