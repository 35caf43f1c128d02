using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Blobs;
using Stories.Core.Erasure;
using Stories.Tests.Fixtures;
using Stories.Worker.Auditing;

namespace Stories.Tests.Auditing;

/// <summary>Plants trouble in a service's stores, and audits them.</summary>
internal sealed class AuditRig(Service service)
{
    public BlobServiceClient Storage { get; } = service.Worker.GetRequiredService<BlobServiceClient>();

    public string Deployment => service.Settings["Blobs:Deployment"]!;

    /// <param name="deployment">What is written on it; null: nothing.</param>
    public async Task<BlobContainerClient> PlantContainerAsync(string name, string? deployment)
    {
        var container = Storage.GetBlobContainerClient(name);
        await container.CreateAsync(metadata: deployment is null ? null : new Dictionary<string, string> { ["deployment"] = deployment });
        await container.GetBlockBlobClient(BlobNames.BucketKey).UploadAsync(new BinaryData("a key").ToStream());
        return container;
    }

    public Task<BlobContainerClient> PlantBucketAsync(TimeSpan endedAgo) =>
        PlantContainerAsync(BlobNames.Bucket(Deployment, service.Clock.GetUtcNow() - endedAgo), Deployment);

    public static async Task<string> PlantBlobAsync(BlobContainerClient container)
    {
        var name = BlobNames.NewBlob();
        await container.GetBlockBlobClient(name).UploadAsync(new BinaryData("nobody's").ToStream());
        return name;
    }

    public BlobContainerClient Ingest => Storage.GetBlobContainerClient(BlobNames.Ingest(Deployment));

    public Task<Bucket> BucketAsync() => service.ReadAsync(db => db.Buckets.AsNoTracking().SingleAsync());

    public Task<int> ExecuteAsync(FormattableString sql) => service.ReadAsync(db => db.Database.ExecuteSqlAsync(sql));

    /// <summary>As an operator: what nothing dates need not be seen twice.</summary>
    public async Task<AuditReport> AuditAsync(AuditMode mode = AuditMode.Look, bool isOperator = true)
    {
        await using var scope = service.Worker.CreateAsyncScope();
        return (await scope.ServiceProvider.GetRequiredService<Auditor>().RunAsync(mode, isOperator, TestContext.Current.CancellationToken))!;
    }

    /// <summary>A look shows so many, a repair mends so many, and then no more is found than it left.</summary>
    public async Task AssertMendsAsync(string check, int found, int repaired)
    {
        Assert.Equal((found, 0), Of(await AuditAsync(), check));
        Assert.Equal((found, 0), Of(await AuditAsync(), check));
        Assert.Equal((found, repaired), Of(await AuditAsync(AuditMode.Repair), check));
        Assert.Equal((found - repaired, 0), Of(await AuditAsync(AuditMode.Repair), check));
    }

    public static (int Found, int Repaired) Of(AuditReport report, string check)
    {
        var line = Line(report, check);
        Assert.Null(line.Trouble);
        return (line.Found, line.Repaired);
    }

    public static AuditLine Line(AuditReport report, string check) => report.Lines.Single(line => line.Check == check);

    /// <summary>What is wrong, in words, for a test that says that nothing is.</summary>
    public static IEnumerable<string> Wrong(AuditReport report) =>
        report.Lines.Where(line => line.Found > 0 || line.Trouble is not null).Select(line => $"{line.Check}: {line.Found} {line.Trouble}");
}
