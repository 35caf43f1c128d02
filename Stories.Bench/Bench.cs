using Microsoft.Extensions.Configuration;
using Stories.Api.Operating;
using Stories.Client;
using Stories.Client.Sessions;
using Stories.Protocol;

namespace Stories.Bench;

/// <summary>A user of the running service, and the folder that goes with a measurement.</summary>
internal sealed class Bench : IDisposable
{
    private readonly string folder = Directory.CreateDirectory($"/dev/shm/stories-bench-{Environment.ProcessId}").FullName;

    private Bench(Session user) => User = user;

    public Session User { get; }

    public static IConfiguration Configuration { get; } = new ConfigurationBuilder().AddEnvironmentVariables().Build();

    public static async Task<Bench> StartAsync()
    {
        var token = await MintToken.MintAsync(Configuration, "chat-dev", $"bench-{Environment.ProcessId}", "stories.post stories.view");
        var bench = new Bench(new Session(Session.Service(), token, Directory.CreateTempSubdirectory("stories-bench-").FullName));
        await bench.User.Audiences.RegisterAsync();
        return bench;
    }

    public string File(string name) => Path.Combine(folder, name);

    public string Folder => folder;

    /// <summary>Uploads first; what is timed begins with publishing.</summary>
    public async Task<Func<bool, Task>> PrepareAsync(IEnumerable<string> files)
    {
        var prepared = new List<(Guid Story, Protocol.Contracts.PublishRequest Request)>();
        foreach (var file in files)
            prepared.Add(await User.Poster.PrepareAsync(new Draft([file], Level.Processed, TimeSpan.FromMinutes(10), "bench", null), (_, _) => { }));
        return untilLive => Task.WhenAll(prepared.Select(async p =>
        {
            var end = await User.Poster.FollowAsync(await User.Client.PublishAsync(p.Story, p.Request), (_, _) => { }, untilLive);
            if (end.State != StoryState.Live) throw new InvalidOperationException($"A story was refused: {end.Code}");
        }));
    }

    public void Dispose()
    {
        User.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
