using System.Diagnostics;
using System.Security.Cryptography;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Stories.Client;
using Stories.Core.Blobs;
using Stories.Protocol;

namespace Stories.Bench;

/// <summary>64 uploads of 8 MiB, 4 at a time: through tus and the Api, beside the storage SDK staging straight to the same Azurite, and beside @tus/server over @tus/azure-store.</summary>
internal static class UploadBench
{
    private const int Count = 64;
    private const int AtATime = 4;
    private const int BlockBytes = 4 << 20;

    public static async Task RunAsync()
    {
        using var bench = await Bench.StartAsync();
        var bytes = RandomNumberGenerator.GetBytes(8 << 20);
        var keys = await bench.User.Client.ListKeysAsync();
        var key = StoriesJson.ReadCanonical<ProcessingKeyEntry>(keys.ProcessingKeys[0].Bytes)!.Id;
        var service = new BlobServiceClient(Bench.Configuration["Blobs:ConnectionString"], new BlobClientOptions(BlobClientOptions.ServiceVersion.V2026_06_06));
        var container = service.GetBlobContainerClient("bench");
        await container.CreateIfNotExistsAsync();

        using var other = StartOtherServer(container.Name);
        using var otherHttp = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{await other.StandardOutput.ReadLineAsync()}/") };
        Task UploadAsync(HttpClient http) => new TusUpload(http, TimeProvider.System).SendAsync(new MemoryStream(bytes), Lane.Video, Level.Processed, key, _ => { }, CancellationToken.None);

        await Measure.CompareAsync("upload", 5,
            new Way("tus client, Api, Azurite", () => EachAsync(() => UploadAsync(bench.User.Client.Http))),
            new Way("the same client, @tus/server, Azurite", () => EachAsync(() => UploadAsync(otherHttp))),
            new Way("storage SDK straight to Azurite", () => EachAsync(async () =>
            {
                var blob = container.GetBlockBlobClient(BlobNames.NewBlob());
                var ids = new List<string>();
                for (var at = 0; at < bytes.Length; at += BlockBytes)
                {
                    ids.Add(BlobNames.NewBlock());
                    await blob.StageBlockAsync(ids[^1], new MemoryStream(bytes, at, BlockBytes), new BlockBlobStageBlockOptions { TransferValidation = IngestBlobs.Verified });
                }
                await blob.CommitBlockListAsync(ids);
            })));
        other.Kill();
        await container.DeleteAsync();
    }

    private static Process StartOtherServer(string container) =>
        Process.Start(new ProcessStartInfo("node", [Repository.Path("Stories.Bench/tus-server.mjs"), container]) { RedirectStandardOutput = true })!;

    private static Task EachAsync(Func<Task> upload) =>
        Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (_, _) => await upload());
}
