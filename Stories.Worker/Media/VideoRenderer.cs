using System.Globalization;
using FFMpegCore;
using Microsoft.Extensions.Options;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>
/// Video by ffmpeg, in the sandbox. One decode feeds all sizes; a compliant source is not decoded at all. Outputs are
/// fragmented MP4 of the one form that plays and seeks both from a URL and through MediaSource.
/// </summary>
public sealed class VideoRenderer(Sandbox sandbox, SandboxState state, IOptions<MediaOptions> options)
{
    private const string Poster = "poster.webp";
    private const string Clean = "-map_metadata -1 -map_chapters -1 -fflags +bitexact -dn -sn";
    private const string Fragmented = "-movflags +frag_keyframe+delay_moov+default_base_moof -f mp4";

    /// <summary>Drops what encoders and cameras write beside the picture (H.264 supplemental information).</summary>
    private const string WithoutNotes = "-bsf:v filter_units=remove_types=6";

    /// <summary>ffmpeg writes its encoder's name into the track, even when told to be bitexact.</summary>
    private const string Unsigned = "-metadata:s:v encoder=H.264";

    private static readonly TimeSpan Watch = TimeSpan.FromMilliseconds(250);

    /// <summary>The source's own streams in a new container, and the first picture.</summary>
    public async Task<IReadOnlyList<RenderedFile>> RemuxAsync(Scratch scratch, string file, VideoFacts facts, VideoPlan plan, CancellationToken cancellationToken)
    {
        const string output = "source.mp4";
        // Two processes side by side: asked for both at once, ffmpeg would decode all of it for the one picture.
        await Task.WhenAll(
            RunAsync(scratch, file, facts, [(output, $"-map 0:v:0 -map 0:a:0? -c copy {WithoutNotes} {Clean} {Fragmented}")], progress: null, cancellationToken),
            RunAsync(scratch, file, facts, [(Poster, $"-map 0:v:0 -vf {Scale(plan.Poster)} {PosterCodec}")], progress: null, cancellationToken));
        return await TakeAsync(scratch, facts, [("video-source", output, facts.ShownWidth, facts.ShownHeight)], plan.Poster, cancellationToken);
    }

    public async Task<IReadOnlyList<RenderedFile>> EncodeAsync(
        Scratch scratch, string file, VideoFacts facts, VideoPlan plan, bool withPoster, Action<int> progress, CancellationToken cancellationToken)
    {
        var rungs = plan.Rungs;
        var limit = plan.FramesPerSecond < facts.FramesPerSecond ? $"fps={plan.FramesPerSecond.ToString(CultureInfo.InvariantCulture)}," : "";
        var branches = rungs.Count + (withPoster ? 1 : 0);
        var graph = $"[0:v:0]{limit}split={branches}{string.Concat(Enumerable.Range(0, branches).Select(i => $"[s{i}]"))}" +
            string.Concat(rungs.Select((rung, i) => $";[s{i}]{Scale(rung)},format=yuv420p[v{i}]")) +
            (withPoster ? $";[s{rungs.Count}]{Scale(plan.Poster)}[poster]" : "");
        var outputs = rungs.Select((rung, i) => ($"{rung.Name}.mp4",
            $"-map [v{i}] -c:v libx264 -preset veryfast -crf 24 -profile:v main -force_key_frames expr:gte(t,n_forced*1) -sc_threshold 0 -flags:v +bitexact {WithoutNotes} {Unsigned} {AudioCodec(facts.Audio)} {Clean} {Fragmented}")).ToList();
        if (withPoster) outputs.Add((Poster, $"-map [poster] {PosterCodec}"));
        outputs[0] = (outputs[0].Item1, $"-filter_complex \"{graph}\" {outputs[0].Item2}");
        await RunAsync(scratch, file, facts, outputs, progress, cancellationToken);
        return await TakeAsync(scratch, facts, rungs.Select(rung => (rung.Name, $"{rung.Name}.mp4", rung.Width, rung.Height)), withPoster ? plan.Poster : null, cancellationToken);
    }

    private async Task RunAsync(
        Scratch scratch, string file, VideoFacts facts, IReadOnlyList<(string Name, string Arguments)> outputs, Action<int>? progress, CancellationToken cancellationToken)
    {
        var longest = (options.Value.VideoDuration + TimeSpan.FromSeconds(1)).TotalSeconds.ToString(CultureInfo.InvariantCulture);
        // Names and arguments are all made here: the library joins them to one command line. It also keeps all that ffmpeg says,
        // which a file can make to be gigabytes, so ffmpeg is to say nothing but how far it is.
        var run = FFMpegArguments
            .FromFileInput(file, verifyExists: false, input => input
                .WithCustomArgument($"-v fatal -hide_banner -nostdin {(progress is null ? "-nostats" : "-stats -stats_period 1")} {string.Join(' ', VideoProbe.Guards)} -t {longest}"))
            .OutputToMany(many =>
            {
                foreach (var (name, text) in outputs) many.OutputToFile(name, overwrite: true, o => o.WithCustomArgument(text));
            });
        if (progress is not null) run = run.NotifyOnPercentageProgress(percent => progress((int)Math.Clamp(percent, 0, 100)), facts.Duration);

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.WallClock + 4 * facts.Duration);
        var watch = WatchAsync(scratch, patience);
        var exit = await ExitCodeAsync(run, scratch, patience.Token);
        var wasStopped = patience.IsCancellationRequested;
        await patience.CancelAsync();
        await watch;
        cancellationToken.ThrowIfCancellationRequested();
        if (wasStopped) throw new MediaRefusedException(MediaCodes.Limit);
        if (exit == 0) return;
        // 128 + a signal: KILL and XCPU are the processor time's end, XFSZ is that of a file.
        if (exit is 128 + 9 or 128 + 24 or 128 + 25) throw new MediaRefusedException(MediaCodes.Limit);
        await state.ThrowIfFallenAsync(cancellationToken);
        throw new MediaRefusedException(MediaCodes.Damaged);
    }

    /// <summary>What ffmpeg said goes no further: it quotes the file.</summary>
    private async Task<int> ExitCodeAsync(FFMpegArgumentProcessor run, Scratch scratch, CancellationToken cancellationToken)
    {
        try
        {
            // Without grace: left to itself the library asks ffmpeg politely, on an input that it does not read, and waits four seconds.
            var result = await run.CancellableThrough(cancellationToken, TimeSpan.Zero).ProcessAsynchronously(throwOnError: false, new FFOptions
            {
                BinaryFolder = sandbox.Folder,
                WorkingDirectory = scratch.Folder,
                TemporaryFilesFolder = scratch.Folder,
            }, CancellationToken.None);
            return result.ExitCode;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return -1;
        }
    }

    /// <summary>The size of each file is bounded by the sandbox; this is their sum.</summary>
    private async Task WatchAsync(Scratch scratch, CancellationTokenSource work)
    {
        try
        {
            using var timer = new PeriodicTimer(Watch, TimeProvider.System);
            while (await timer.WaitForNextTickAsync(work.Token))
                if (scratch.Bytes > options.Value.ScratchBytes + options.Value.OutputBytes) await work.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // The work is over.
        }
    }

    private async Task<IReadOnlyList<RenderedFile>> TakeAsync(
        Scratch scratch, VideoFacts facts, IEnumerable<(string Name, string File, int Width, int Height)> videos, Rung? poster, CancellationToken cancellationToken)
    {
        var files = new List<RenderedFile>();
        long bytes = 0;
        foreach (var (name, file, width, height) in videos)
        {
            var path = scratch.File(file);
            bytes += PlainFile.Check(path);
            files.Add(new RenderedFile(name, path, "video/mp4", await CodecsAsync(path, cancellationToken), width, height, facts.Duration));
        }
        if (poster is not null)
        {
            bytes += PlainFile.Check(scratch.File(Poster));
            files.Add(new RenderedFile(poster.Name, scratch.File(Poster), "image/webp", Codecs: null, poster.Width, poster.Height, Duration: null));
        }
        return bytes <= options.Value.OutputBytes ? files : throw new MediaRefusedException(MediaCodes.Limit);
    }

    private static async Task<string> CodecsAsync(string path, CancellationToken cancellationToken)
    {
        var start = new byte[64 * 1024];
        await using var stream = File.OpenRead(path);
        var length = await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken);
        return Mp4Codecs.Of(start.AsSpan(0, length));
    }

    private static string PosterCodec => $"-frames:v 1 -c:v libwebp -quality 80 {Clean}";

    private static string Scale(Rung size) => $"scale={size.Width}:{size.Height}:flags=bicubic,setsar=1";

    private static string AudioCodec(AudioFacts? audio) => audio is null
        ? "-an"
        : $"-map 0:a:0 -c:a aac -b:a 96k -ac {Math.Clamp(audio.Channels, 1, 2)} -ar {(audio.SampleRate is > 0 and < 48_000 ? 44_100 : 48_000)} -flags:a +bitexact";
}
