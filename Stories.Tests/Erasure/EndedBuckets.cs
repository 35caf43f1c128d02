using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Blobs;
using Stories.Core.Erasure;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Erasure;

/// <summary>A story in a bucket of its own, with one blob.</summary>
internal sealed record Ended(Guid Story, Guid Bucket, string Container, DateTimeOffset EndsAt);

/// <summary>Buckets at their end, and what must become of them whatever happens meanwhile.</summary>
internal static class EndedBuckets
{
    private const int BlobBytes = 1000;

    /// <summary>Fills some buckets and moves the clock to the end of the last, which is the first that is returned: it is due and not yet overdue.</summary>
    public static async Task<IReadOnlyList<Ended>> LetEndAsync(this Service service, UserSession author, int count, CancellationToken cancellationToken)
    {
        var ended = new List<Ended>();
        for (var i = count; i > 0; i--) ended.Add(await service.FillBucketAsync(author, TimeSpan.FromMinutes(i * 2), cancellationToken));
        service.Clock.MoveTo(ended[0].EndsAt);
        return ended;
    }

    /// <summary>By hand: what a rendition shows does not matter here.</summary>
    public static async Task<Ended> FillBucketAsync(this Service service, UserSession author, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var story = (await author.PostAsync([], lifetime: lifetime, caption: "words", cancellationToken: cancellationToken)).Story;
        var bucket = await service.ReadAsync(db => db.Buckets.AsNoTracking().SingleAsync(b => db.Stories.Any(s => s.Id == story && s.BucketId == b.Id), cancellationToken));
        var blob = BlobNames.NewBlob();
        Assert.True(await service.Worker.GetRequiredService<BucketBlobs>().WriteAsync(bucket.Container, blob, new MemoryStream(new byte[BlobBytes]), "application/octet-stream", cancellationToken));
        await service.ReadAsync(db => db.Database.ExecuteSqlAsync(
            $"insert into renditions (story_id, part, bucket_id, revision, blob_name, length) values ({story}, 0, {bucket.Id}, 1, {blob}, {BlobBytes})", cancellationToken));
        return new Ended(story, bucket.Id, bucket.Container, bucket.EndsAt);
    }

    public static Task<BucketState> StateAsync(this Service service, Ended ended) =>
        service.ReadAsync(db => db.Buckets.Where(b => b.Id == ended.Bucket).Select(b => b.State).SingleAsync());

    /// <summary>Rows, container and key, and the record of them, which is right however often it was tried.</summary>
    public static async Task AssertErasedAsync(this Service service, params IEnumerable<Ended> all)
    {
        foreach (var ended in all)
        {
            var bucket = await service.ReadAsync(db => db.Buckets.AsNoTracking().SingleAsync(b => b.Id == ended.Bucket));
            Assert.Equal((BucketState.Erased, 1, 1, (long)BlobBytes), (bucket.State, bucket.Stories, bucket.Blobs, bucket.Bytes));
            Assert.Equal((0, 0), await service.ReadAsync(async db => (await db.Stories.CountAsync(s => s.BucketId == ended.Bucket), await db.Renditions.CountAsync(r => r.BucketId == ended.Bucket))));
            Assert.False(await service.Worker.GetRequiredService<BucketBlobs>().ContainerExistsAsync(ended.Container, CancellationToken.None));
        }
    }

    /// <summary>Through the Api, by those who could see it.</summary>
    public static async Task AssertInvisibleAsync(this Service service, UserSession viewer, params IEnumerable<Ended> all)
    {
        Assert.Empty((await viewer.Client.ShowTrayAsync()).Authors);
        foreach (var ended in all)
            Assert.Equal(ProblemCodes.NotFound, (await Refused(() => viewer.Client.OpenAsync(ended.Story))).Code);
    }

    /// <summary>Whatever else the Api may answer while its database is away.</summary>
    public static async Task AssertNeverShownAsync(this Service service, params IEnumerable<Ended> all)
    {
        using var http = service.Http("alice");
        foreach (var ended in all)
        {
            using var answer = await http.GetAsync($"v1/stories/{ended.Story}");
            Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.NotFound, HttpStatusCode.InternalServerError, HttpStatusCode.ServiceUnavailable });
        }
    }
}
