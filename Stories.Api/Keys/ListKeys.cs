using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Keys;

/// <summary><c>GET /v1/keys</c>: to what uploads are encrypted, each entry signed by the service; the newest first.</summary>
internal static class ListKeys
{
    public static async Task<Results<Ok<KeyList>, ProblemHttpResult>> Handle(StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var service = await db.ServiceKeys.AsNoTracking().OrderByDescending(k => k.MadeAt).FirstOrDefaultAsync(cancellationToken);
        var keys = await db.ProcessingKeys.AsNoTracking().Where(k => k.NotAfter > now).OrderByDescending(k => k.MadeAt).ToListAsync(cancellationToken);
        // No worker has made one yet: nothing can be uploaded.
        if (service is null || keys.Count == 0) return Problems.Of(ProblemCodes.Unavailable);
        return TypedResults.Ok(new KeyList(service.PublicKey, [.. keys.Select(k => new SignedRecord(k.Entry, k.EntrySignature, k.EntryKey))]));
    }
}
