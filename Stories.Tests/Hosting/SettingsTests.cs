using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Core.Uploads;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

public sealed partial class SettingsTests(LocalServers servers)
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

    /// <summary>As .NET reads them, the first two are 24 days and the third 90.</summary>
    [Theory]
    [InlineData("Api", "Uploads__Life", "24:00:00")]
    [InlineData("Worker", "Uploads__Life", "24")]
    [InlineData("Worker", "Buckets__RecordKeptFor", "90:00:00")]
    [InlineData("Worker", "Audit__Every", "1")]
    public async Task A_time_that_would_be_read_as_days_is_refused_and_told_how_to_be_written(string host, string setting, string value)
    {
        await using var service = await Service.StartAsync(servers, withWorker: false);
        var (code, output) = await service.RunAsync(host, [], Cancel, (setting, value));
        Assert.Equal(1, code);
        Assert.Contains($"{setting.Replace("__", ":", StringComparison.Ordinal)} is {value}: write hh:mm:ss", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_upload_lives_a_day_at_the_most()
    {
        await using var service = await Service.StartAsync(servers, new() { ["Uploads:Life"] = "1.00:00:00" }, withWorker: false);
        Assert.Equal(TimeSpan.FromDays(1), service.Api.GetRequiredService<IOptions<UploadOptions>>().Value.Life);
        var (code, output) = await service.RunAsync("Api", [], Cancel, ("Uploads__Life", "1.00:00:01"));
        Assert.Equal(1, code);
        Assert.Contains("Life", output, StringComparison.Ordinal);
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

    [Theory]
    [InlineData("Api")]
    [InlineData("Worker")]
    [InlineData("Api", "migrate")]
    [InlineData("Api", "app", "list")]
    public async Task Without_a_database_a_host_and_a_command_say_so_in_a_sentence(string project, params string[] arguments) =>
        await SaysAsync("PostgreSQL does not answer", project, arguments, database: to => to.Port = FreePort.Next());

    [Theory]
    [InlineData("Api")]
    [InlineData("Worker")]
    [InlineData("Api", "migrate")]
    public async Task A_wrong_password_is_said_to_be_one(string project, params string[] arguments) =>
        await SaysAsync("PostgreSQL refuses the user or the password", project, arguments, database: to => to.Password = "canary");

    [Theory]
    [InlineData("Api")]
    [InlineData("Worker")]
    [InlineData("Api", "app", "list")]
    public async Task A_database_that_was_not_made_is_said_to_be_missing(string project, params string[] arguments) =>
        await SaysAsync("PostgreSQL has no database of the name", project, arguments, database: to => to.Database = "canary");

    /// <summary>So what is said of it is true.</summary>
    [Fact]
    public async Task A_database_that_was_not_made_is_made_by_migrate()
    {
        await using var service = await Service.StartAsync(servers, withWorker: false);
        var other = new NpgsqlConnectionStringBuilder(service.Database) { Database = $"made{Guid.NewGuid():n}" }.ConnectionString;
        var (code, output) = await service.RunAsync("Api", ["migrate"], Cancel, ("ConnectionStrings__Stories", other));
        Assert.True(code == 0, output);
        await servers.DropAsync(other);
    }

    [Theory]
    [InlineData("Api")]
    [InlineData("Worker")]
    [InlineData("Api", "migrate")]
    public async Task Storage_that_does_not_answer_is_named(string project, params string[] arguments) =>
        await SaysAsync("Blob storage does not answer", project, arguments, storage: to => to.Replace($":{servers.BlobPort}/", $":{FreePort.Next()}/", StringComparison.Ordinal));

    [Theory]
    [InlineData("Api")]
    [InlineData("Api", "migrate")]
    public async Task Storage_that_refuses_the_key_is_said_to(string project, params string[] arguments) =>
        await SaysAsync("Blob storage refuses", project, arguments, storage: to => AccountKey().Replace(to, $"AccountKey={Convert.ToBase64String(new byte[64])};"));

    [Fact]
    public async Task Storage_that_is_not_set_is_missed_by_commands_too() => await SaysAsync("Set either Blobs:ConnectionString or Blobs:ServiceUri.", "Api", ["migrate"], storage: _ => "");

    private async Task SaysAsync(string sentence, string project, string[] arguments, Action<NpgsqlConnectionStringBuilder>? database = null, Func<string, string>? storage = null)
    {
        await using var service = await Service.StartAsync(servers, withWorker: false);
        var to = new NpgsqlConnectionStringBuilder(service.Database);
        database?.Invoke(to);
        var blobs = servers.BlobConnectionString;
        var (code, output) = await service.RunAsync(project, arguments, Cancel, ("ConnectionStrings__Stories", to.ConnectionString), ("Blobs__ConnectionString", storage?.Invoke(blobs) ?? blobs));
        Assert.Equal(1, code);
        Assert.Contains(sentence, output, StringComparison.Ordinal);
        Assert.All(["   at ", "127.0.0.1", "canary"], word => Assert.DoesNotContain(word, output, StringComparison.Ordinal));
    }

    [GeneratedRegex("AccountKey=[^;]*;")]
    private static partial Regex AccountKey();
}
