using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Uploads;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary><c>POST /v1/ads/creatives/{id}/process</c>: the worker makes it of an upload, which is encrypted like every other and gone when it is made.</summary>
internal static class MakeCreative
{
    public static async Task<Results<Accepted<CreativeView>, ProblemHttpResult>> Handle(
        Guid id, CreativeMaking request, Caller caller, StoriesDb db, UploadCommit commit, CreativeViews views, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (await FoundCreatives.TakeOwnAsync(db, caller.Name, id, cancellationToken) is not { } creative) return Problems.Of(ProblemCodes.NotFound);
        var upload = await db.Uploads.AsNoTracking().SingleOrDefaultAsync(u => u.Id == request.Upload && u.App == caller.Name.App && u.User == caller.Name.User, cancellationToken);
        if (upload is null || (upload.HasExpired(now) && upload.State != UploadState.Consumed)) return Problems.Of(ProblemCodes.UploadUnknown);
        if (upload.State == UploadState.Consumed) return Problems.Of(ProblemCodes.UploadAlreadyUsed);
        if (upload.State == UploadState.Receiving) return Problems.Of(ProblemCodes.UploadUnfinished);
        if (upload.Level != Level.Clear) return Problems.Of(ProblemCodes.UploadLevelMismatch);
        if (request.Ciphertext is not { Sha256.Length: 64 } || upload.Length != request.Ciphertext.Length) return Problems.Of(ProblemCodes.StoryPayloadMismatch);
        if (upload.State == UploadState.Received && !await commit.CommitAsync(upload.Id, cancellationToken)) return Problems.Of(ProblemCodes.UploadBytesLost);
        if (!creative.Process(upload.Id, request.Ciphertext, upload.Lane, now)) return Problems.Of(ProblemCodes.AdsCreativeState);

        var taken = await db.Uploads.Where(u => u.Id == upload.Id && u.State == UploadState.Committed && u.ExpiresAt > now)
            .ExecuteUpdateAsync(set => set.SetProperty(u => u.State, UploadState.Consumed), cancellationToken);
        if (taken == 0) return Problems.Of(ProblemCodes.UploadAlreadyUsed);
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Accepted($"/v1/ads/creatives/{id}", await views.ViewAsync(creative, cancellationToken));
    }
}
