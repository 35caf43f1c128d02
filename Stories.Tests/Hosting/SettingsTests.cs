using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

public sealed class SettingsTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Api")]
    [InlineData("Worker")]
    public async Task A_host_names_every_setting_that_cannot_be_and_does_not_start(string host)
    {
        await using var service = await Service.StartAsync(servers, withWorker: false);
        var (code, output) = await service.RunAsync(host, [], Cancel, ("Uploads__MaxBytes", "0"), ("Buckets__Width", "00:00:00"), ("Blobs__Deployment", "Not A Name"));
        Assert.Equal(1, code);
        Assert.All(["MaxBytes", "Width", "Deployment"], name => Assert.Contains(name, output, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Api", "Uploads__MaxBytes", "64MiB", "Uploads:MaxBytes")]
    [InlineData("Worker", "Uploads__MaxBytes", "64MiB", "Uploads:MaxBytes")]
    [InlineData("Api", "ConnectionStrings__Stories", "", "ConnectionStrings:Stories")]
    [InlineData("Worker", "ConnectionStrings__Stories", "", "ConnectionStrings:Stories")]
    public async Task A_setting_that_cannot_be_read_or_is_missing_is_named_without_a_stack(string host, string setting, string value, string named)
    {
        await using var service = await Service.StartAsync(servers, withWorker: false);
        var (code, output) = await service.RunAsync(host, [], Cancel, (setting, value));
        Assert.Equal(1, code);
        Assert.Contains(named, output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }
}
