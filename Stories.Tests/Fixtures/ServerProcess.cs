using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Stories.Tests.Fixtures;

/// <summary>
/// <c>./stories servers FOLDER</c>: the script starts what <c>./stories up</c> starts, says how to reach it, and ends and
/// deletes it when its standard input closes, which happens even when this process is killed.
/// </summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromMinutes(5);

    /// <summary>Files in memory. Each test has a database of its own, a few hundred files: on a busy disk they take a second to make, here a fifth of one.</summary>
    private static readonly DriveInfo Memory = new("/dev/shm");

    /// <summary>What the databases of tests that run at a time take, and PostgreSQL's log.</summary>
    private const long Room = 4L << 30;

    private readonly Process _script;

    private ServerProcess(Process script, string folder, string postgres, string blobs)
    {
        _script = script;
        Folder = folder;
        Postgres = postgres;
        Blobs = blobs;
    }

    public string Folder { get; }
    public string Postgres { get; }
    public string Blobs { get; }

    public static ServerProcess Start()
    {
        var folder = Path.Combine(Memory is { IsReady: true, AvailableFreeSpace: >= Room } ? Memory.Name : Path.GetTempPath(), $"stories-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        var start = new ProcessStartInfo(Repository.Path("stories"), ["servers", folder])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["STORIES_PG_PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture);
        start.Environment["STORIES_BLOB_PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture);
        var script = Process.Start(start)!;
        var errors = script.StandardError.ReadToEndAsync();

        // The script gives up by itself when a server does not start, and then these lines end.
        var said = new Dictionary<string, string>();
        while (said.Count < 2 && script.StandardOutput.ReadLine() is { } line)
            if (line.Split(' ', 2) is [var name, var value]) said[name] = value;
        return said.Count == 2
            ? new ServerProcess(script, folder, said["postgres"], said["blobs"])
            : throw new InvalidOperationException($"./stories servers failed (has ./stories test or ./stories up run here once?): {errors.GetAwaiter().GetResult()}");
    }

    /// <summary>PostgreSQL ends, with all its connections, and starts again on the same data.</summary>
    public async Task RestartPostgresAsync(CancellationToken cancellationToken)
    {
        await _script.StandardInput.WriteLineAsync("restart".AsMemory(), cancellationToken);
        await _script.StandardInput.FlushAsync(cancellationToken);
        if (await _script.StandardOutput.ReadLineAsync(cancellationToken) != "restarted") throw new InvalidOperationException("PostgreSQL did not start again.");
    }

    public async ValueTask DisposeAsync()
    {
        _script.StandardInput.Close();
        using var limit = new CancellationTokenSource(EndLimit);
        await _script.WaitForExitAsync(limit.Token);
        _script.Dispose();
    }
}
