using System.Globalization;
using System.Text.RegularExpressions;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Stories.Core;
using Stories.Core.Blobs;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>Accounts that keep what is deleted. Azurite has none of these settings: what Azure answers is answered in its place.</summary>
public sealed partial class RetentionTests(LocalServers servers) : IAsyncLifetime
{
    private const string SoftDelete = "blob soft delete (DeleteRetentionPolicy)";
    private const string ContainerSoftDelete = "container soft delete (ContainerDeleteRetentionPolicy)";
    private const string Versioning = "blob versioning (IsVersioningEnabled)";
    private const string Policy = "an immutability policy (container)";
    private const string VersionPolicy = "version-level immutability (ImmutableStorageWithVersioning)";
    private const string LegalHold = "a legal hold";

    private FaultProxy storage = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Accounts => new()
    {
        { "soft delete", SoftDelete },
        { "soft delete, seen in a list only", SoftDelete },
        { "container soft delete", ContainerSoftDelete },
        { "versioning", Versioning },
        { "immutability policy", Policy },
        { "immutability policy that refuses", Policy },
        { "version-level immutability", VersionPolicy },
        { "legal hold", LegalHold },
        { "legal hold that refuses", LegalHold },
    };

    public ValueTask InitializeAsync()
    {
        storage = FaultProxy.BeforeHttp(servers.BlobPort);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => storage.DisposeAsync();

    [Theory]
    [MemberData(nameof(Accounts))]
    public async Task Both_hosts_refuse_to_start_on_an_account_that_keeps_what_is_deleted_and_name_the_setting(string account, string setting)
    {
        await using var service = await Service.StartAsync(servers, toStorage: storage);
        MakeAccount(account);

        foreach (var host in new[] { service.Api, service.Worker })
        {
            var checks = ActivatorUtilities.CreateInstance<StartupChecks>(host);
            var refusal = await Assert.ThrowsAsync<StartRefusedException>(() => checks.PassAsync(Cancel));
            Assert.Contains($"keeps what is deleted: {setting}. Switch that off, or set Blobs:AllowRetainedDeletes", refusal.Message);
        }
    }

    [Theory]
    [InlineData("Api")]
    [InlineData("Worker")]
    public async Task A_host_that_is_started_on_such_an_account_says_so_in_one_line_and_ends(string host)
    {
        await using var service = await Service.StartAsync(servers, toStorage: storage, withWorker: false);
        MakeAccount("container soft delete");
        MakeAccount("versioning");

        await using var process = service.StartProcess(host);

        Assert.Equal(1, await process.WaitForEndAsync(Cancel));
        Assert.Contains($"The storage account keeps what is deleted: {Versioning}, {ContainerSoftDelete}. Switch that off", process.Output);
        Assert.DoesNotContain("   at ", process.Output);
    }

    [Fact]
    public async Task Who_says_that_they_know_may_start_and_is_reminded()
    {
        MakeAccount("container soft delete");

        await using var service = await Service.StartAsync(servers, new() { ["Blobs:AllowRetainedDeletes"] = "true" }, toStorage: storage);

        foreach (var host in new[] { service.Api, service.Worker })
        {
            var health = await host.HealthAsync("retention");
            Assert.Equal(HealthStatus.Degraded, health.Status);
            Assert.Contains(ContainerSoftDelete, health.Description);
        }
        Assert.Equal(2, service.Log.Lines.Count(line => line.StartsWith("Warning: The storage account keeps", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_is_switched_on_later_is_told_by_the_Api_and_turns_the_worker_red_until_it_is_off_again()
    {
        await using var service = await Service.StartAsync(servers, new() { ["Blobs:ProbeEvery"] = "00:00:01" }, toStorage: storage);
        var hosts = new[] { service.Api, service.Worker };
        foreach (var host in hosts) Assert.Equal(HealthStatus.Healthy, (await host.HealthAsync("retention")).Status);

        var rule = MakeAccount("soft delete");
        await service.UntilAsync(async _ => (await service.Worker.HealthAsync("retention")).Status == HealthStatus.Unhealthy);
        // Viewers are better served by an Api that says so than by none.
        await service.UntilAsync(async _ => (await service.Api.HealthAsync("retention")).Status == HealthStatus.Degraded);
        foreach (var host in hosts) Assert.Contains(SoftDelete, (await host.HealthAsync("retention")).Description);
        Assert.Contains(service.Log.Lines, line => line.StartsWith($"Error: The storage account keeps what is deleted: {SoftDelete}.", StringComparison.Ordinal));

        storage.Forget(rule);
        foreach (var host in hosts) await service.UntilAsync(async _ => (await host.HealthAsync("retention")).Status == HealthStatus.Healthy);
    }

    [Fact]
    public async Task An_account_that_does_not_answer_the_hourly_question_is_asked_again_and_what_it_said_last_stands()
    {
        await using var service = await Service.StartAsync(servers, new() { ["Blobs:ProbeEvery"] = "00:00:01" }, toStorage: storage);

        var refusing = storage.When(line => line.StartsWith("PUT /stories/canary-", StringComparison.Ordinal), HttpFault.Refusal(403, "AuthorizationFailure"));
        await service.UntilAsync(_ => Task.FromResult(service.Log.Lines.Any(line => line.Contains("could not be asked whether it keeps what is deleted: RequestFailedException 403 AuthorizationFailure", StringComparison.Ordinal))));
        Assert.Equal(HealthStatus.Healthy, (await service.Api.HealthAsync("retention")).Status);

        storage.Forget(refusing);
        MakeAccount("versioning");
        await service.UntilAsync(async _ => (await service.Api.HealthAsync("retention")).Status == HealthStatus.Degraded);
    }

    [Fact]
    public async Task A_deleted_container_that_is_listed_late_is_found_by_the_next_question()
    {
        await using var service = await Service.StartAsync(servers, toStorage: storage);
        // The Api starts last.
        var probe = service.Api.GetRequiredService<RetentionProbe>();
        var first = storage.Requests.Last(line => line.StartsWith("PUT /stories/canary-", StringComparison.Ordinal)).Split('/', '?')[2];

        storage.When(line => IsListOfDeleted(line) && Prefix(line) == first, Kept());

        Assert.Equal([ContainerSoftDelete], await probe.FindAsync(service.Clock.GetUtcNow(), Cancel));
        Assert.Empty(await probe.FindAsync(service.Clock.GetUtcNow(), Cancel));
    }

    [Fact]
    public async Task Canaries_that_killed_hosts_left_are_deleted_and_nobody_else_s()
    {
        await using var service = await Service.StartAsync(servers);
        var blobs = service.Api.GetRequiredService<BlobServiceClient>();
        var deployment = service.Settings["Blobs:Deployment"]!;
        var (own, others) = (BlobNames.Canary(deployment), BlobNames.Canary(deployment + "x"));
        foreach (var name in new[] { own, others }) await blobs.CreateBlobContainerAsync(name, cancellationToken: Cancel);
        var probe = service.Api.GetRequiredService<RetentionProbe>();

        // It may be that of a host that starts just now.
        await probe.FindAsync(service.Clock.GetUtcNow(), Cancel);
        Assert.True(await blobs.GetBlobContainerClient(own).ExistsAsync(Cancel));

        await probe.FindAsync(service.Clock.GetUtcNow() + TimeSpan.FromMinutes(11), Cancel);
        Assert.False(await blobs.GetBlobContainerClient(own).ExistsAsync(Cancel));
        Assert.True(await blobs.GetBlobContainerClient(others).ExistsAsync(Cancel));
        await blobs.DeleteBlobContainerAsync(others, cancellationToken: Cancel);
    }

    [Fact]
    public async Task An_account_that_keeps_nothing_is_left_as_it_was()
    {
        await using var service = await Service.StartAsync(servers);
        foreach (var host in new[] { service.Api, service.Worker }) Assert.Equal(HealthStatus.Healthy, (await host.HealthAsync("retention")).Status);
        await foreach (var container in service.Api.GetRequiredService<BlobServiceClient>().GetBlobContainersAsync(prefix: BlobNames.Canaries(service.Settings["Blobs:Deployment"]!), cancellationToken: Cancel))
            Assert.Fail($"{container.Name} is left.");
    }

    private HttpRule MakeAccount(string account)
    {
        switch (account)
        {
            case "soft delete":
                return storage.When(line => line.StartsWith("GET ", StringComparison.Ordinal) && line.Contains("comp=properties", StringComparison.Ordinal), Xml(_ =>
                    "<StorageServiceProperties><DeleteRetentionPolicy><Enabled>true</Enabled><Days>7</Days></DeleteRetentionPolicy></StorageServiceProperties>"));
            case "soft delete, seen in a list only":
                return storage.When(IsListOfBlobs, Blobs("<Deleted>true</Deleted>"));
            case "versioning":
                return storage.When(IsListOfBlobs, Blobs("<VersionId>2026-11-25T02:00:00.0000000Z</VersionId>"));
            case "container soft delete":
                return storage.When(IsListOfDeleted, Kept());
            case "immutability policy":
                return storage.When(IsLookAtCanary, Properties("x-ms-has-immutability-policy"));
            case "version-level immutability":
                return storage.When(IsLookAtCanary, Properties("x-ms-immutable-storage-with-versioning-enabled"));
            case "legal hold":
                return storage.When(IsLookAtCanary, Properties("x-ms-has-legal-hold"));
            case "immutability policy that refuses":
                storage.When(line => IsDeletionOfCanary(line) && !line.Contains("restype=container", StringComparison.Ordinal), HttpFault.Refusal(409, "BlobImmutableDueToPolicy"));
                return storage.When(line => IsDeletionOfCanary(line) && line.Contains("restype=container", StringComparison.Ordinal), HttpFault.Refusal(409, "ContainerImmutabilityPolicyLocked"));
            case "legal hold that refuses":
                storage.When(line => IsDeletionOfCanary(line) && !line.Contains("restype=container", StringComparison.Ordinal), HttpFault.Refusal(409, "BlobImmutableDueToLegalHold"));
                return storage.When(line => IsDeletionOfCanary(line) && line.Contains("restype=container", StringComparison.Ordinal), HttpFault.Refusal(409, "ContainerHasLegalHold"));
            default:
                throw new ArgumentOutOfRangeException(nameof(account));
        }
    }

    private static bool IsLookAtCanary(string line) =>
        line.StartsWith("GET /stories/canary-", StringComparison.Ordinal) && line.Contains("restype=container", StringComparison.Ordinal) && !line.Contains("comp=", StringComparison.Ordinal);

    private static bool IsDeletionOfCanary(string line) => line.StartsWith("DELETE /stories/canary-", StringComparison.Ordinal);

    private static bool IsListOfBlobs(string line) => line.StartsWith("GET /stories/canary-", StringComparison.Ordinal) && line.Contains("comp=list", StringComparison.Ordinal);

    private static bool IsListOfDeleted(string line) =>
        line.StartsWith("GET ", StringComparison.Ordinal) && !line.Contains("/canary-", StringComparison.Ordinal) && line.Contains("comp=list", StringComparison.Ordinal) && line.Contains("include=deleted", StringComparison.OrdinalIgnoreCase);

    private static string Prefix(string line) => AskedPrefix().Match(line).Groups[1].Value;

    /// <summary>As Azure lists a container that it keeps; the form is that of recorded sessions in Azure's own client libraries.</summary>
    private static HttpFault Kept() => Xml(line => $"""
        <EnumerationResults ServiceEndpoint="http://127.0.0.1/stories/"><Prefix>{Prefix(line)}</Prefix><Containers><Container><Name>{Prefix(line)}</Name><Deleted>true</Deleted><Version>01D69540C360196E</Version><Properties>
        <Last-Modified>{Now}</Last-Modified><Etag>"0x8D86357E5D6E2D3"</Etag><LeaseStatus>unlocked</LeaseStatus><LeaseState>expired</LeaseState><HasImmutabilityPolicy>false</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold>
        <DeletedTime>{Now}</DeletedTime><RemainingRetentionDays>6</RemainingRetentionDays></Properties></Container></Containers><NextMarker /></EnumerationResults>
        """);

    private static HttpFault Blobs(string mark) => Xml(_ => $"""
        <EnumerationResults ServiceEndpoint="http://127.0.0.1/stories/" ContainerName="canary"><Blobs><Blob><Name>canary</Name>{mark}<Properties><Creation-Time>{Now}</Creation-Time><Last-Modified>{Now}</Last-Modified>
        <Etag>0x8D86357E5D6E2D3</Etag><Content-Length>6</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob></Blobs><NextMarker /></EnumerationResults>
        """);

    private static HttpFault.Answer Properties(string header) => new(200, _ => "", ("ETag", "\"0x8D86357E5D6E2D3\""), ("Last-Modified", Now), (header, "true"));

    private static HttpFault.Answer Xml(Func<string, string> body) => new(200, line => "<?xml version=\"1.0\" encoding=\"utf-8\"?>" + body(line));

    private static string Now => TimeProvider.System.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);

    [GeneratedRegex("prefix=([^& ]+)")]
    private static partial Regex AskedPrefix();
}
