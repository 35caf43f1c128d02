using System.Globalization;
using System.Text;
using FFMpegCore;
using Microsoft.Extensions.Options;
using Stories.Core.Media;
using Stories.Worker.Rendering;

namespace Stories.Worker.Media;

/// <summary>What ffmpeg reads, and how.</summary>
/// <param name="File">Its name in scratch.</param>
/// <param name="Guards">What may be opened.</param>
/// <param name="Facts">What it is.</param>
/// <param name="Timing">A filter that says when each picture is shown, for pictures that do not; else empty.</param>
public sealed record VideoSource(string File, IReadOnlyList<string> Guards, VideoFacts Facts, string Timing = "");

/// <summary>
/// Video by ffmpeg, in the sandbox. One decode feeds all sizes; a picture that every player takes is not decoded at all. Outputs
/// are fragmented MP4 of the one form that plays and seeks both from a URL and through MediaSource.
/// </summary>
public sealed class VideoRenderer(Sandbox sandbox, SandboxState state, IOptions<MediaOptions> options)
{
    private const int PreviewBytes = 1024;
    private const string Clean = "-map_metadata -1 -map_chapters -1 -fflags +bitexact -dn -sn";
    private const string Fragmented = "-movflags +frag_keyframe+delay_moov+default_base_moof -f mp4";

    /// <summary>Drops what encoders and cameras write beside the picture (H.264 supplemental information).</summary>
    private const string WithoutNotes = "-bsf:v filter_units=remove_types=6";

    /// <summary>ffmpeg writes its encoder's name into the track, even when told to be bitexact.</summary>
    private const string Unsigned = "-metadata:s:v encoder=H.264";

    /// <summary>See <see cref="ToneMapping"/>. Not by approximate gammas: of hybrid log-gamma these raise each colour by itself instead of their light.</summary>
    private static readonly string ToneMap = string.Create(CultureInfo.InvariantCulture,
        $"t=linear:agamma=false:npl={ToneMapping.White},format=gbrpf32le,zscale=p=bt709,tonemap=mobius:desat=0:param={ToneMapping.Knee}:peak={ToneMapping.Brightest / ToneMapping.White:0.##},zscale=t=bt709:m=bt709:r=tv,format=yuv420p");

    /// <summary>WebP reads colours by another matrix than video; from red, green and blue it makes its own.</summary>
    private const string ForWebP = "setsar=1,format=bgra";

    /// <summary>Without it a copy of the sound brings along some of the segment before, hidden by an edit list.</summary>
    private const string FromItsStart = "-copypriorss:a 0";

    /// <summary>Below this EBU R128 hears nothing that could be made louder.</summary>
    private const double Silence = -60;

    /// <summary>It measures ten times a second.</summary>
    private static readonly TimeSpan LoudnessStep = TimeSpan.FromSeconds(0.1);

    /// <summary>A start is known to the microsecond, and who asks for less than a key frame gets the one before.</summary>
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(0.5);

    /// <summary>Slower than this, a segment may hold a single picture, and it would be unknown how long it is shown.</summary>
    private const double LeastRate = 10;

    private static readonly TimeSpan Watch = TimeSpan.FromMilliseconds(250);

    /// <summary>How loud it is, and where there is none: what a file says of its tracks' lengths is not to be relied on.</summary>
    public async Task<AudioFacts?> ListenAsync(Scratch scratch, VideoSource source, CancellationToken cancellationToken)
    {
        if (source.Facts.Audio is not { } audio) return null;
        const string answer = "loudness";
        const string heard = "lavfi.r128.I=", at = "pts_time:";
        var filters = $"{Downmix(audio)}ebur128=metadata=1,ametadata=mode=print:key={heard[..^1]}:file={answer}";
        var whole = source.Facts.Duration;
        await RunAsync(scratch, [From(source, Stretch(TimeSpan.Zero, whole))], whole, [("-", $"-map 0:{audio.Track} -af {filters} -f null")], progress: null, cancellationToken);
        var path = scratch.File(answer);
        // Of less than a step nothing is said.
        PlainFile.Check(path, mayBeEmpty: true);
        var said = await File.ReadAllLinesAsync(path, Encoding.Latin1, cancellationToken);
        File.Delete(path);
        List<double> moments = [-LoudnessStep.TotalSeconds, .. Said(at).Where(moment => moment >= 0 && moment < whole.TotalSeconds), whole.TotalSeconds];
        var gap = moments.Zip(moments.Skip(1), (from, to) => to - from).Max() - LoudnessStep.TotalSeconds;
        return audio with { Loudness = Said(heard).LastOrDefault(double.NaN) is > Silence and < 20 and var loudness ? loudness : null, Gap = TimeSpan.FromSeconds(Math.Max(0, gap)) };

        IEnumerable<double> Said(string key) =>
            said.Where(line => line.Contains(key, StringComparison.Ordinal)).Select(line => VideoProbe.Number(line[(line.LastIndexOf(key, StringComparison.Ordinal) + key.Length)..])).OfType<double>();
    }

    /// <summary>When there is nothing but black to be seen, from and to.</summary>
    public async Task<IReadOnlyList<(TimeSpan From, TimeSpan To)>> FindBlackAsync(Scratch scratch, VideoSource source, CancellationToken cancellationToken)
    {
        const string answer = "black";
        const string begin = "lavfi.black_start=", end = "lavfi.black_end=";
        var whole = source.Facts.Duration;
        // Small is enough: black is black at any size. And each picture says something, so that silence is not an answer.
        var filters = $"scale=96:96,blackdetect=d=0.2:pix_th=0.1,metadata=mode=add:key=seen:value=1,metadata=mode=print:file={answer}";
        await RunAsync(scratch, [From(source, Stretch(TimeSpan.Zero, whole))], whole, [("-", $"-map 0:{source.Facts.Track} -vf {filters} -f null")], progress: null, cancellationToken);
        var path = scratch.File(answer);
        PlainFile.Check(path);
        var found = new List<(TimeSpan, TimeSpan)>();
        TimeSpan? from = null;
        foreach (var line in await File.ReadAllLinesAsync(path, Encoding.Latin1, cancellationToken))
        {
            if (line.StartsWith(begin, StringComparison.Ordinal)) from = Seconds(line[begin.Length..]);
            if (!line.StartsWith(end, StringComparison.Ordinal) || from is not { } since) continue;
            found.Add((since, Seconds(line[end.Length..])));
            from = null;
        }
        File.Delete(path);
        // At the very end nobody says so.
        if (from is { } last) found.Add((last, whole));
        return found;

        static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(VideoProbe.Number(text) ?? 0);
    }

    /// <summary>
    /// Whether the picture there is an IDR picture: of the packets at that place only such slices are kept, and one must be left. It must be the one that was
    /// asked for: of pictures in another order Matroska's demuxer gives the key frame before.
    /// </summary>
    public async Task<bool> BeginsAnewAsync(Scratch scratch, VideoSource source, TimeSpan at, CancellationToken cancellationToken)
    {
        const string answer = "beginning";
        await RunAsync(
            scratch, [From(source, CopyStretch(at, 2 * Instant + (at < Instant ? source.Facts.LateBy : TimeSpan.Zero)))], Instant, [(answer, $"-map 0:{source.Facts.Track} -c:v copy -bsf:v filter_units=pass_types=5 -f framecrc")], progress: null, cancellationToken);
        var path = scratch.File(answer);
        PlainFile.Check(path);
        var lines = await File.ReadAllLinesAsync(path, Encoding.Latin1, cancellationToken);
        File.Delete(path);
        const string ticks = "#tb 0: ";
        var tick = lines.FirstOrDefault(line => line.StartsWith(ticks, StringComparison.Ordinal)) is { } said ? VideoProbe.Ratio(said[ticks.Length..], '/') : null;
        // Stream, decoding time, time, …
        return lines.FirstOrDefault(line => !line.StartsWith('#')) is { } first && first.Split(',') is [_, _, var time, ..] && VideoProbe.Number(time) * tick > -Instant.TotalSeconds;
    }

    /// <summary>The source's own picture in a new container, and one picture of it.</summary>
    public async Task<RenditionSet> RemuxAsync(Scratch scratch, VideoSource source, VideoPlan plan, CancellationToken cancellationToken)
    {
        var files = new List<RenderedFile>();
        byte[]? preview = null;
        foreach (var segment in plan.Segments)
        {
            var output = $"source-{segment.Number}.mp4";
            var sound = await SoundAndPosterAsync(scratch, source, plan, segment, withPoster: true, cancellationToken);
            // Sound is to be heard until the segment's end, which is later than that of the pictures' decoding.
            var pictures = From(source, CopyStretch(segment.Start, segment.CopiedFor));
            await RunAsync(scratch, [pictures, .. sound.Inputs], segment.Duration, [(output, $"-map 0:{source.Facts.Track} -c:v copy {WithoutNotes} {sound.Copied} {Clean} {Fragmented}")],
                progress: null, cancellationToken);
            files.AddRange(await TakeAsync(scratch, segment, [("video-source", output, source.Facts.ShownWidth, source.Facts.ShownHeight)], plan.Poster, cancellationToken));
            preview ??= await PreviewAsync(scratch, segment, cancellationToken);
        }
        return Bounded(new RenditionSet(files, preview));
    }

    public async Task<RenditionSet> EncodeAsync(Scratch scratch, VideoSource source, VideoPlan plan, bool withPoster, Action<int> progress, CancellationToken cancellationToken)
    {
        var files = new List<RenderedFile>();
        byte[]? preview = null;
        foreach (var segment in plan.Segments)
        {
            var sound = await SoundAndPosterAsync(scratch, source, plan, segment, withPoster, cancellationToken);
            var rungs = plan.Rungs;
            var isWhole = segment.Number is null;
            var pace = isWhole ? plan.FramesPerSecond is { } limit ? $"fps={Number(limit)}," : "" : FromWhatIsShown(SegmentRate(source, plan));
            var graph = $"[0:{source.Facts.Track}]{Picture(source, pace, rungs[0])}split={rungs.Count}{string.Concat(rungs.Select((_, i) => $"[s{i}]"))}" +
                string.Concat(rungs.Select((rung, i) => $";[s{i}]{Scale(rung)},format=yuv420p[v{i}]"));
            var outputs = rungs.Select((rung, i) => ($"{rung.Name}-{segment.Number}.mp4",
                $"-map [v{i}] -c:v libx264 -preset veryfast -crf 24 -profile:v main -force_key_frames expr:gte(t,n_forced*1) -sc_threshold 0 -flags:v +bitexact {WithoutNotes} {Unsigned} " +
                $"{sound.Copied} -t {Number(segment.Duration.TotalSeconds)} {Clean} {Fragmented}")).ToList();
            outputs[0] = (outputs[0].Item1, $"-filter_complex \"{graph}\" {outputs[0].Item2}");
            // To ask for a stretch would drop the picture that stands where it begins, and count its length from the first that comes after.
            var pictures = From(source, isWhole ? Stretch(TimeSpan.Zero, segment.Duration) : FromKeyFrameBefore(segment.Start));
            await RunAsync(scratch, [pictures, .. sound.Inputs], segment.Duration, outputs,
                percent => progress((int)((segment.Start + percent / 100.0 * segment.Duration) / source.Facts.Duration * 100)), cancellationToken);
            files.AddRange(await TakeAsync(
                scratch, segment, rungs.Select(rung => (rung.Name, $"{rung.Name}-{segment.Number}.mp4", rung.Width, rung.Height)), withPoster ? plan.Poster : null, cancellationToken));
            if (withPoster) preview ??= await PreviewAsync(scratch, segment, cancellationToken);
        }
        return Bounded(new RenditionSet(files, preview));
    }

    /// <summary>Both before the sizes, by processes side by side: asked for the one picture too, ffmpeg would decode all of what it copies.</summary>
    private async Task<Sound> SoundAndPosterAsync(Scratch scratch, VideoSource source, VideoPlan plan, Segment segment, bool withPoster, CancellationToken cancellationToken)
    {
        var sound = SoundAsync(scratch, source, plan, segment, cancellationToken);
        await Task.WhenAll(sound, withPoster ? PosterAsync(scratch, source, plan, segment, cancellationToken) : Task.CompletedTask);
        return await sound;
    }

    /// <summary>One picture of a segment in two sizes: to be seen before it plays, and before anything has been fetched.</summary>
    private Task PosterAsync(Scratch scratch, VideoSource source, VideoPlan plan, Segment segment, CancellationToken cancellationToken)
    {
        var at = plan.PosterAt >= segment.Start && plan.PosterAt < segment.Start + segment.Duration ? plan.PosterAt : segment.Start;
        var shown = source.Timing.Length > 0 ? source with { Timing = $"{source.Timing}setpts=PTS-{Number(at.TotalSeconds)}/TB," } : source;
        var graph = $"[0:{source.Facts.Track}]{Picture(shown, FromWhatIsShown(options.Value.VideoFramesPerSecond), plan.Poster)}split=2[s0][s1];" +
            $"[s0]scale={plan.Poster.Width}:{plan.Poster.Height}:flags=bicubic,{ForWebP}[poster];[s1]scale=32:32:force_original_aspect_ratio=decrease,{ForWebP}[preview]";
        return RunAsync(scratch, [From(source, FromKeyFrameBefore(at))], segment.Duration,
        [
            (PosterOf(segment), $"-filter_complex \"{graph}\" -map [poster] -frames:v 1 -c:v libwebp -quality 80 {Clean}"),
            (PreviewOf(segment), $"-map [preview] -frames:v 1 -c:v libwebp -quality 40 {Clean}"),
        ], progress: null, cancellationToken);
    }

    /// <summary>
    /// Encoded once, however many sizes it goes with; kept in scratch for the sizes of a later revision. By the encoder's fast search, which above 64 kbit/s
    /// is nearer to what was heard than the usual one, in half the time (docs/performance.md).
    /// </summary>
    private async Task<Sound> SoundAsync(Scratch scratch, VideoSource source, VideoPlan plan, Segment segment, CancellationToken cancellationToken)
    {
        if (source.Facts.Audio is not { } audio || plan.Sound is not { } sound) return new Sound([], "-an");
        if (sound.IsKept) return new Sound([From(source, Stretch(segment.Start, segment.Duration))], $"-map 1:{audio.Track} -c:a copy {(segment.Start > Instant ? FromItsStart : "")}");
        var name = $"sound-{segment.Number}.mp4";
        var path = scratch.File(name);
        if (!File.Exists(path))
        {
            // Silence in front of what begins late and behind what ends early, of which a segment may have nothing; and nothing louder than one decibel
            // and a half below the end of the scale.
            var level = sound.Gain == 0 ? "" : $",volume={Number(sound.Gain)}dB{(sound.Gain > 0 ? ",alimiter=limit=0.84:level=0" : "")}";
            await RunAsync(scratch, [From(source, Stretch(segment.Start, segment.Duration))], segment.Duration,
                [(name, $"-map 0:{audio.Track} -af {Downmix(audio)}aresample=async=1:first_pts=0{level},apad=whole_dur={Number(segment.Duration.TotalSeconds)} -c:a aac -aac_coder fast -b:a 96k -ar {(audio.SampleRate is > 0 and < 48_000 ? 44_100 : 48_000)} -flags:a +bitexact {Clean} -f mp4")],
                progress: null, cancellationToken);
        }
        PlainFile.Check(path);
        return new Sound([new Input(name, Guards.For(MediaKind.Mp4), "")], "-map 1:0 -c:a copy");
    }

    /// <param name="scratch">Where all files are.</param>
    /// <param name="inputs">At least one.</param>
    /// <param name="duration">Of what comes out.</param>
    private async Task RunAsync(
        Scratch scratch, IReadOnlyList<Input> inputs, TimeSpan duration, IReadOnlyList<(string Name, string Arguments)> outputs, Action<int>? progress, CancellationToken cancellationToken)
    {
        // Names and arguments are all made here: the library joins them to one command line. It also keeps all that ffmpeg says,
        // which a file can make to be gigabytes, so ffmpeg is to say nothing but how far it is.
        var quiet = $"-v fatal -hide_banner -nostdin {(progress is null ? "-nostats" : "-stats -stats_period 1")}";
        var arguments = FFMpegArguments.FromFileInput(inputs[0].File, verifyExists: false, input => input.WithCustomArgument($"{quiet} {inputs[0].Arguments}"));
        foreach (var further in inputs.Skip(1)) arguments = arguments.AddFileInput(further.File, verifyExists: false, input => input.WithCustomArgument(further.Arguments));
        var run = arguments
            .OutputToMany(many =>
            {
                foreach (var (name, text) in outputs) many.OutputToFile(name, overwrite: true, o => o.WithCustomArgument(text));
            });
        if (progress is not null) run = run.NotifyOnPercentageProgress(percent => progress((int)Math.Clamp(percent, 0, 100)), duration);

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.WallClock + 4 * duration);
        var watch = WatchAsync(scratch, patience);
        var exit = await ExitCodeAsync(run, scratch, patience.Token);
        var wasStopped = patience.IsCancellationRequested;
        await patience.CancelAsync();
        await watch;
        cancellationToken.ThrowIfCancellationRequested();
        // First: of a worker that stood still for minutes the time is over, and the file is there.
        if (exit == 0) return;
        if (wasStopped) throw new MediaRefusedException(MediaCodes.Limit);
        if (exit == 128 + 9) state.ThrowIfOutOfMemory();
        // 128 + a signal: KILL and XCPU are the processor time's end, XFSZ is that of a file.
        if (exit is 128 + 9 or 128 + 24 or 128 + 25) throw new MediaRefusedException(MediaCodes.Limit);
        await state.ThrowIfFallenAsync("ffmpeg", cancellationToken);
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
                if (scratch.Bytes > options.Value.WorkBytes) await work.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // The work is over.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What cannot be measured is too much.
            await work.CancelAsync();
        }
    }

    private static async Task<IReadOnlyList<RenderedFile>> TakeAsync(
        Scratch scratch, Segment segment, IEnumerable<(string Name, string File, int Width, int Height)> videos, Rung? poster, CancellationToken cancellationToken)
    {
        var files = new List<RenderedFile>();
        foreach (var (name, file, width, height) in videos)
        {
            var path = scratch.File(file);
            PlainFile.Check(path);
            files.Add(new RenderedFile(name, path, "video/mp4", await CodecsAsync(path, cancellationToken), width, height, segment.Duration, segment.Number));
        }
        if (poster is null) return files;
        PlainFile.Check(scratch.File(PosterOf(segment)));
        return [.. files, new RenderedFile(poster.Name, scratch.File(PosterOf(segment)), "image/webp", Codecs: null, poster.Width, poster.Height, Duration: null, segment.Number)];
    }

    private RenditionSet Bounded(RenditionSet set) =>
        set.Files.Sum(file => new FileInfo(file.Path).Length) <= options.Value.OutputBytes ? set : throw new MediaRefusedException(MediaCodes.Limit);

    /// <returns>Null when so small a picture does not fit a manifest.</returns>
    private static async Task<byte[]?> PreviewAsync(Scratch scratch, Segment segment, CancellationToken cancellationToken)
    {
        var path = scratch.File(PreviewOf(segment));
        return PlainFile.Check(path) <= PreviewBytes ? await File.ReadAllBytesAsync(path, cancellationToken) : null;
    }

    private static async Task<string> CodecsAsync(string path, CancellationToken cancellationToken)
    {
        var start = new byte[64 * 1024];
        await using var stream = File.OpenRead(path);
        var length = await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken);
        return Mp4Codecs.Of(start.AsSpan(0, length));
    }

    /// <summary>Everything that is done to the pictures before they come in sizes, each with a comma behind it.</summary>
    /// <param name="source">What is shown.</param>
    /// <param name="pace">A filter that decides which pictures stay, with a comma behind it; empty for all.</param>
    /// <param name="largest">Of the sizes.</param>
    private static string Picture(VideoSource source, string pace, Rung largest)
    {
        var facts = source.Facts;
        var steps = new StringBuilder(source.Timing);
        if (!facts.IsProgressive) steps.Append("bwdif=mode=send_frame,");
        steps.Append(pace);
        // In fewer pixels first: it is the most expensive step.
        if (facts.Range != DynamicRange.Standard)
            steps.Append($"{Scale(largest)},zscale=pin=bt2020:min=bt2020nc:rin=tv:tin={(facts.Range == DynamicRange.Hlg ? "arib-std-b67" : "smpte2084")}:{ToneMap},");
        else if (facts.Gamut != Gamut.Standard)
            steps.Append($"{Scale(largest)},zscale=pin={(facts.Gamut == Gamut.Bt2020 ? "bt2020:min=bt2020nc" : "smpte432:min=bt709")}:tin=bt709:p=bt709:t=bt709:m=bt709:r=tv,");
        else if (facts.Colors == ColorTags.None)
            // As players guess, by the size that it has now: a smaller one would be guessed otherwise.
            steps.Append(facts.ShortSide >= 720 ? "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709," : "setparams=color_primaries=smpte170m:color_trc=smpte170m:colorspace=smpte170m,");
        else if (facts.Colors == ColorTags.Matrix)
            // Chromium's MediaSource heeds no tag unless there are all three.
            steps.Append("setparams=color_primaries=bt709:color_trc=bt709,");
        return steps.ToString();
    }

    private static string Scale(Rung size) => $"scale={size.Width}:{size.Height}:flags=bicubic:out_range=tv,setsar=1";

    /// <summary>One or two channels, with a comma behind it. In floating point: of whole numbers many channels are made quieter so that none can clip, once here and not where loudness is measured.</summary>
    private static string Downmix(AudioFacts audio) => $"aformat=sample_fmts=fltp:channel_layouts={(audio.Channels == 1 ? "mono" : "stereo")},";

    /// <summary>What says its times to the filters only is read whole.</summary>
    private static Input From(VideoSource source, string stretch) => new(source.File, source.Guards, source.Timing.Length > 0 ? "" : stretch);

    /// <summary>The pictures between have times below 0.</summary>
    private static string FromKeyFrameBefore(TimeSpan at) => $"-noaccurate_seek{(at > Instant ? $" -ss {Number((at + Instant).TotalSeconds)}" : "")}";

    /// <summary>Begins with the picture that stands at 0, which may have come long before, and ends never: the last one goes on being shown, as by a player when there is still sound.</summary>
    private static string FromWhatIsShown(double rate) => $"tpad=stop=-1:stop_mode=clone,fps={Number(rate)}:start_time=0,";

    private static double SegmentRate(VideoSource source, VideoPlan plan)
    {
        var rate = plan.FramesPerSecond ?? source.Facts.FramesPerSecond;
        return rate < LeastRate ? rate * Math.Ceiling(LeastRate / rate) : rate;
    }

    private static string Stretch(TimeSpan start, TimeSpan duration) =>
        $"{(start > Instant ? $"-ss {Number(start.TotalSeconds)} " : "")}-t {Number(duration.TotalSeconds)}";

    /// <summary>What is left out by asking for an <see cref="Instant"/> more is put back: a MediaSource throws away what begins before 0, key frame or not.</summary>
    private static string CopyStretch(TimeSpan start, TimeSpan duration) =>
        $"{(start > Instant ? $"-itsoffset {Number(Instant.TotalSeconds)} " : "")}{Stretch(start + Instant, duration - Instant)}";

    private static string PosterOf(Segment segment) => $"poster-{segment.Number}.webp";

    private static string PreviewOf(Segment segment) => $"preview-{segment.Number}.webp";

    private static string Number(double number) => number.ToString("0.######", CultureInfo.InvariantCulture);

    /// <param name="Inputs">The one that it comes from, behind that of the pictures; none when there is no sound.</param>
    /// <param name="Copied">What an output says to have it.</param>
    private sealed record Sound(IReadOnlyList<Input> Inputs, string Copied);

    /// <param name="File">Its name in scratch.</param>
    /// <param name="Guards">What may be opened.</param>
    /// <param name="Stretch">From where, and for how long; empty for all of it.</param>
    private sealed record Input(string File, IReadOnlyList<string> Guards, string Stretch)
    {
        public string Arguments => $"{string.Join(' ', Guards)} {Stretch}";
    }
}
