using System.Globalization;
using FFMpegCore;
using FFMpegCore.Exceptions;
using Microsoft.Extensions.Options;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>
/// Video by ffmpeg, in the sandbox. One decode feeds all sizes; a compliant source is not decoded at all. Outputs are
/// fragmented MP4 of the one form that plays and seeks both from a URL and through MediaSource.
/// </summary>
public sealed class VideoRenderer(Sandbox sandbox, IOptions<MediaOptions> options)
{
    private const string Poster = "poster.webp";
    private const string Clean = "-map_metadata -1 -map_chapters -1 -fflags +bitexact -dn -sn";
    private const string Fragmented = "-movflags +frag_keyframe+delay_moov+default_base_moof -f mp4";

    /// <summary>Drops what encoders and cameras write beside the picture (H.264 supplemental information).</summary>
    private const string WithoutNotes = "-bsf:v filter_units=remove_types=6";
    private const string Audio = "-map 0:a:0? -c:a aac -b:a 96k -ac 2 -flags:a +bitexact";

    /// <summary>The source's own streams in a new container, and the first picture.</summary>
    public async Task<IReadOnlyList<RenderedFile>> RemuxAsync(Scratch scratch, string file, VideoFacts facts, CancellationToken cancellationToken)
    {
        const string output = "source.mp4";
        await Task.WhenAll(
            RunAsync(scratch, file, facts, [(output, $"-map 0:v:0 -map 0:a:0? -c copy {WithoutNotes} {Clean} {Fragmented}")], progress: null, cancellationToken),
            RunAsync(scratch, file, facts, [(Poster, $"-map 0:v:0 {PosterOf(facts)}")], progress: null, cancellationToken));
        return [await VideoAsync(scratch, "video-source", output, facts.ShownWidth, facts.ShownHeight, facts, cancellationToken), PosterFile(scratch, facts)];
    }

    public async Task<IReadOnlyList<RenderedFile>> EncodeAsync(
        Scratch scratch, string file, VideoFacts facts, VideoPlan plan, bool withPoster, Action<int> progress, CancellationToken cancellationToken)
    {
        var rungs = plan.Rungs;
        var limit = plan.FramesPerSecond < facts.FramesPerSecond ? $"fps={plan.FramesPerSecond.ToString(CultureInfo.InvariantCulture)}," : "";
        var branches = rungs.Count + (withPoster ? 1 : 0);
        var graph = $"[0:v:0]{limit}split={branches}{string.Concat(Enumerable.Range(0, branches).Select(i => $"[s{i}]"))}" +
            string.Concat(rungs.Select((rung, i) => $";[s{i}]scale={rung.Width}:{rung.Height}:flags=bicubic,setsar=1,format=yuv420p[v{i}]")) +
            (withPoster ? $";[s{rungs.Count}]{PosterScale(facts)}[poster]" : "");
        var outputs = rungs.Select((rung, i) => ($"{rung.Name}.mp4",
            $"-map [v{i}] -c:v libx264 -preset veryfast -crf 24 -profile:v main -force_key_frames expr:gte(t,n_forced*1) -sc_threshold 0 -flags:v +bitexact {WithoutNotes} {Audio} {Clean} {Fragmented}")).ToList();
        if (withPoster) outputs.Add((Poster, $"-map [poster] -frames:v 1 -c:v libwebp -quality 80 {Clean}"));
        outputs[0] = (outputs[0].Item1, $"-filter_complex \"{graph}\" {outputs[0].Item2}");
        await RunAsync(scratch, file, facts, outputs, progress, cancellationToken);

        var files = new List<RenderedFile>();
        foreach (var rung in rungs) files.Add(await VideoAsync(scratch, rung.Name, $"{rung.Name}.mp4", rung.Width, rung.Height, facts, cancellationToken));
        if (withPoster) files.Add(PosterFile(scratch, facts));
        return files;
    }

    private async Task RunAsync(
        Scratch scratch, string file, VideoFacts facts, IReadOnlyList<(string Name, string Arguments)> outputs, Action<int>? progress, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.WallClock + 4 * facts.Duration);
        // Names and arguments are all made here: the library joins them to one command line.
        var arguments = FFMpegArguments.FromFileInput(file, verifyExists: false, input => input
            .WithCustomArgument($"-v error -hide_banner -nostdin -stats -stats_period 1 {string.Join(' ', VideoProbe.Guards)}"));
        var run = arguments.OutputToMany(many =>
        {
            foreach (var (name, text) in outputs) many.OutputToFile(name, overwrite: true, o => o.WithCustomArgument(text));
        });
        if (progress is not null) run = run.NotifyOnPercentageProgress(percent => progress((int)Math.Clamp(percent, 0, 100)), facts.Duration);
        try
        {
            await run.ProcessAsynchronously(throwOnError: true, new FFOptions
            {
                BinaryFolder = sandbox.Folder,
                WorkingDirectory = scratch.Folder,
                TemporaryFilesFolder = scratch.Folder,
            }, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MediaRefusedException(MediaCodes.Limit);
        }
        catch (FFMpegException)
        {
            // What ffmpeg says goes no further: it quotes the file. A file that the probe took and the decoder does not is damaged.
            cancellationToken.ThrowIfCancellationRequested();
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
    }

    private static async Task<RenderedFile> VideoAsync(
        Scratch scratch, string name, string file, int width, int height, VideoFacts facts, CancellationToken cancellationToken)
    {
        var path = scratch.File(file);
        var start = new byte[64 * 1024];
        await using var stream = File.OpenRead(path);
        var length = await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken);
        return new RenderedFile(name, path, "video/mp4", Mp4Codecs.Of(start.AsSpan(0, length)), width, height, facts.Duration);
    }

    private static RenderedFile PosterFile(Scratch scratch, VideoFacts facts)
    {
        var (width, height) = PosterSize(facts);
        return new RenderedFile("poster", scratch.File(Poster), "image/webp", Codecs: null, width, height, Duration: null);
    }

    private static string PosterOf(VideoFacts facts) => $"-vf {PosterScale(facts)} -frames:v 1 -c:v libwebp -quality 80 {Clean}";

    private static string PosterScale(VideoFacts facts) => PosterSize(facts) is var (width, height) ? $"scale={width}:{height},setsar=1" : "";

    private static (int Width, int Height) PosterSize(VideoFacts facts)
    {
        var scale = Math.Min(1, 720.0 / facts.ShortSide);
        return (Math.Max(2, (int)Math.Round(facts.ShownWidth * scale)), Math.Max(2, (int)Math.Round(facts.ShownHeight * scale)));
    }
}
