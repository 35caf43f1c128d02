using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Protocol;

namespace Stories.Api.Erasure;

/// <summary>
/// <c>GET /v1/erasures/{id}?leaf=</c>: a bucket's signed record, for whoever holds a leaf that stands in it. A leaf says nothing of anybody, so it
/// may stand in a log; without the right one a bucket that there is looks like one that there is not.
/// </summary>
internal static class ProveErasure
{
    public static async Task<Results<Ok<SignedRecord>, ProblemHttpResult>> Handle(Guid id, string leaf, StoriesDb db, CancellationToken cancellationToken)
    {
        if (!Base64Url.IsValid(leaf, out var length) || length != ErasureTicket.LeafBytes) return Problems.Of(ProblemCodes.RequestInvalid);
        var hash = SHA256.HashData(Base64Url.DecodeFromChars(leaf));
        // Leaves before the record: an erasure in between takes those away and brings this.
        var due = await db.Buckets
            .Where(b => b.Id == id && db.ErasureLeaves.Any(l => l.BucketId == id && l.Hash == hash))
            .Select(b => (DateTimeOffset?)b.EndsAt).SingleOrDefaultAsync(cancellationToken);
        if (due is { } pending) return Problems.Of(ProblemCodes.ErasurePending, "due", pending);

        var kept = await db.ErasureRecords.Where(r => r.BucketId == id).Select(r => r.Bytes).SingleOrDefaultAsync(cancellationToken);
        if (kept is null || JsonSerializer.Deserialize<SignedRecord>(kept, StoriesJson.Options) is not { } record || !Holds(record, hash)) return Problems.Of(ProblemCodes.NotFound);
        return TypedResults.Ok(record);
    }

    /// <summary>Looked for as it is written: parsing tens of thousands of leaves for each question would take milliseconds.</summary>
    private static bool Holds(SignedRecord record, byte[] hash) =>
        record.Bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes($"\"{Convert.ToHexStringLower(hash)}\"")) >= 0;
}
