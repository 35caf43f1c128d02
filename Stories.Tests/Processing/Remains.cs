using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Blobs;
using Stories.Tests.Fixtures;
using Stories.Worker.Media;

namespace Stories.Tests.Processing;

/// <summary>What of a test's stories is still there: looked up in storage, not in rows.</summary>
internal static class Remains
{
    /// <summary>Ciphertext as uploaded, blocks that were never committed included.</summary>
    public static Task<List<string>> IngestAsync(Service service) =>
        BlobsAsync(service, BlobNames.Ingest(service.Settings["Blobs:Deployment"]!), BlobStates.Uncommitted);

    /// <summary>All that is in buckets, without their keys.</summary>
    public static async Task<List<string>> RenditionsAsync(Service service)
    {
        var blobs = new List<string>();
        foreach (var container in await service.ReadAsync(db => db.Buckets.Select(b => b.Container).ToListAsync()))
            blobs.AddRange(await BlobsAsync(service, container, BlobStates.Uncommitted));
        return [.. blobs.Where(b => b != BlobNames.BucketKey).Order(StringComparer.Ordinal)];
    }

    public static Task<List<string>> PublishedAsync(Service service) =>
        service.ReadAsync(db => db.Renditions.Select(r => r.BlobName).ToListAsync());

    public static bool IsScratchEmpty(IServiceProvider worker) => worker.GetRequiredService<ScratchRoom>().IsEmpty;

    /// <summary>In the rooms of all workers of the service; each room itself holds a file by which its end shows.</summary>
    public static IReadOnlyList<string> ScratchFiles(Service service) =>
        [.. Directory.EnumerateFiles(service.Settings["Media:ScratchFolder"]!, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lifeline")];

    private static async Task<List<string>> BlobsAsync(Service service, string container, BlobStates states)
    {
        var client = service.Worker.GetRequiredService<BlobServiceClient>().GetBlobContainerClient(container);
        var names = new List<string>();
        if (!await client.ExistsAsync()) return names;
        await foreach (var blob in client.GetBlobsAsync(new GetBlobsOptions { States = states })) names.Add(blob.Name);
        return names;
    }
}
