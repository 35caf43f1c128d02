using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Stories.Api.Operating;
using Stories.Client;
using Stories.Client.Sessions;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Bench;

/// <summary>A user of the running service, and the folder that goes with a measurement.</summary>
internal sealed class Bench : IDisposable
{
    public const string Audience = "bench";

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private Bench(Session user, string name) => (User, Folder) = (user, Directory.CreateDirectory($"/dev/shm/stories-{name}").FullName);

    public Session User { get; }

    public string Folder { get; }

    public static IConfiguration Configuration { get; } = new ConfigurationBuilder().AddEnvironmentVariables().Build();

    public static async Task<Bench> StartAsync(string name = "bench")
    {
        name = $"{name}-{Environment.ProcessId}";
        var token = await MintToken.MintAsync(Configuration, "chat-dev", name, "stories.post stories.view");
        var bench = new Bench(new Session(Session.Service(), token, Directory.CreateTempSubdirectory("stories-bench-").FullName), name);
        await bench.User.Audiences.RegisterAsync();
        return bench;
    }

    public string File(string name) => Path.Combine(Folder, name);

    /// <summary>Uploads; what is timed begins with publishing.</summary>
    public async Task<BenchRound> PrepareAsync(IEnumerable<string> files)
    {
        var prepared = new List<(Guid Story, PublishRequest Request)>();
        foreach (var file in files)
            prepared.Add(await User.Poster.PrepareAsync(new Draft([file], Level.Processed, TimeSpan.FromMinutes(10), Audience, null), (_, _) => { }));
        return new BenchRound([.. prepared.Select(p => p.Story)], async untilLive =>
        {
            var accepted = await Task.WhenAll(prepared.Select(p => User.Client.PublishAsync(p.Story, p.Request)));
            if (untilLive) await SeeAsync([.. accepted.Select(a => a.Story)]);
            else await Task.WhenAll(accepted.Select(FollowAsync));
        });
    }

    public async Task<Guid> PostTextAsync(string audience = Audience) =>
        (await User.Poster.PostAsync(new Draft([], Level.Processed, TimeSpan.FromHours(1), audience, "bench"), (_, _) => { })).Story;

    public async Task<IReadOnlyList<RenditionEntry>> RenditionsAsync(Guid story)
    {
        using var opened = await User.Viewer.OpenAsync(story);
        return opened.Renditions!.Renditions;
    }

    /// <summary>One after the other as they were accepted, because that is how they are made: to ask for all of them all the time would be work too.</summary>
    private async Task SeeAsync(IReadOnlyList<Guid> stories)
    {
        var watch = Stopwatch.StartNew();
        foreach (var story in stories)
        {
            while (await User.Client.WatchProgressAsync(story) is { State: not StoryState.Live } progress)
            {
                if (progress.Code is { } code) throw new InvalidOperationException($"A story was refused: {code}");
                if (watch.Elapsed > Patience) throw new InvalidOperationException("The stories are not all live after five minutes.");
                await Task.Delay(Glance, TimeProvider.System, CancellationToken.None);
            }
        }
    }

    private async Task FollowAsync(StoryProgress accepted)
    {
        var end = await User.Poster.FollowAsync(accepted, (_, _) => { });
        if (end.State != StoryState.Live) throw new InvalidOperationException($"A story was refused: {end.Code}");
    }

    public void Dispose()
    {
        User.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>What has been uploaded and is to be timed.</summary>
internal sealed class BenchRound(IReadOnlyList<Guid> stories, Func<bool, Task> run)
{
    /// <summary>Their ids, chosen already.</summary>
    public IReadOnlyList<Guid> Stories => stories;

    /// <summary>Publishes, and waits until viewers see all of it or, when that is not asked for, until all renditions are made.</summary>
    public Task RunAsync(bool untilLive) => run(untilLive);
}
