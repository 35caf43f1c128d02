using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Worker.Media;

namespace Stories.Tests.Media;

/// <summary>The media machine of a worker, without database and storage, with a scratch folder of its own.</summary>
internal sealed class MediaRig : IAsyncDisposable
{
    private readonly DirectoryInfo place;

    private MediaRig(Action<MediaOptions>? configure, string? folder, string kernel)
    {
        place = Directory.CreateDirectory(folder ?? Path.Combine("/dev/shm", $"stories-test-{Guid.NewGuid():N}"));
        Options = new MediaOptions { ScratchFolder = place.FullName };
        configure?.Invoke(Options);
        var options = Microsoft.Extensions.Options.Options.Create(Options);
        ScratchRoom = new ScratchRoom(options);
        Sandbox = new Sandbox(options, ScratchRoom);
        State = new SandboxState(Sandbox, NullLogger<SandboxState>.Instance, kernel);
        Photos = new PhotoChildren(Sandbox, State, options);
        Videos = new VideoRenderer(Sandbox, State, options);
        Renderer = new MediaRenderer(State, Photos, new HeicConverter(Sandbox, State), new VideoProbe(Sandbox, State), Videos, options);
    }

    public MediaOptions Options { get; }
    public ScratchRoom ScratchRoom { get; }
    public Sandbox Sandbox { get; }
    public SandboxState State { get; }
    public PhotoChildren Photos { get; }
    public VideoRenderer Videos { get; }
    public MediaRenderer Renderer { get; }

    public static async Task<MediaRig> StartAsync(CancellationToken cancellationToken, Action<MediaOptions>? configure = null, Action<Sandbox>? spoil = null, string? folder = null, string kernel = "/proc/vmstat")
    {
        var rig = new MediaRig(configure, folder, kernel);
        spoil?.Invoke(rig.Sandbox);
        await rig.State.StartAsync(cancellationToken);
        return rig;
    }

    /// <summary>Everything that a file becomes, or, as after a kill, what is left to be made of it.</summary>
    public async Task<Outcome> RenderAsync(string path, Lane lane, CancellationToken cancellationToken, string name = "upload-0", RenderWishes? wishes = null, int made = 0)
    {
        await using var scratch = ScratchRoom.Open();
        File.Copy(path, scratch.File(name));
        var media = await Renderer.PrepareAsync(scratch, name, lane, wishes ?? new RenderWishes(), cancellationToken);
        var outcome = new Outcome(media, [], [], null);
        await foreach (var set in Renderer.RenderAsync(media, scratch, made, outcome.Percents.Add, cancellationToken))
        {
            outcome.Sets.Add([.. set.Files.Select(file => new Rendered(file, File.ReadAllBytes(file.Path)))]);
            outcome = outcome with { Preview = outcome.Preview ?? set.Preview };
        }
        return outcome;
    }

    /// <summary>The code with which a file is refused.</summary>
    public async Task<string> RefusalAsync(string path, Lane lane, CancellationToken cancellationToken) =>
        (await Assert.ThrowsAsync<MediaRefusedException>(() => RenderAsync(path, lane, cancellationToken))).Code;

    /// <summary>Puts a rendition back on disk for a tool to look at.</summary>
    public async Task<T> KeepAsync<T>(Rendered rendition, Func<string, Task<T>> look)
    {
        var path = Path.Combine(place.FullName, $"{Guid.NewGuid():N}-{Path.GetFileName(rendition.File.Path)}");
        await File.WriteAllBytesAsync(path, rendition.Bytes);
        return await look(path);
    }

    public async ValueTask DisposeAsync()
    {
        Photos.Dispose();
        Sandbox.Dispose();
        ScratchRoom.Dispose();
        place.Delete(recursive: true);
        await Task.CompletedTask;
    }
}

internal sealed record Rendered(RenderedFile File, byte[] Bytes);

internal sealed record Outcome(PreparedMedia Media, List<List<Rendered>> Sets, List<int> Percents, byte[]? Preview)
{
    public IEnumerable<Rendered> All => Sets.SelectMany(set => set);
}
