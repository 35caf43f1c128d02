using System.Globalization;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Tests.Media;

/// <summary>
/// When what is seen and heard. The sources are black and silent, with a flash and a beep from 0.5 to 0.7 of each second, so that every
/// picture and every moment of sound says where in the source it comes from.
/// </summary>
public sealed class TimingTests
{
    /// <summary>How far a flash or a beep may be from where it belongs.</summary>
    private const double Tolerance = 0.12;

    private const string Beeps = "aevalsrc='0.3*sin(2*PI*1000*t)*between(mod(t,1),0.5,0.7)':s=44100:c=mono:d=";

    /// <summary>To −16 LUFS, which is kept as it is.</summary>
    private static readonly string[] Kept = ["-af", "volume=1.45dB", "-c:a", "aac"];
    private static readonly string[] H264 = ["-c:v", "libx264", "-preset", "fast", "-pix_fmt", "yuv420p", "-bf", "3", "-g", "17"];
    private static readonly string[] Mpeg4 = ["-c:v", "mpeg4", "-g", "17"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("kept")]
    [InlineData("encoded, sound kept")]
    [InlineData("without key frames, sound kept")]
    [InlineData("a picture that stands across a cut")]
    [InlineData("a picture for ten seconds")]
    [InlineData("Matroska with pictures in another order")]
    [InlineData("Matroska that begins at five seconds")]
    [InlineData("sound that goes on")]
    [InlineData("pictures that begin late")]
    public async Task Segments_show_and_sound_what_the_source_does_then(string name)
    {
        var (source, length, shown) = await SourceAsync(name);
        await using var rig = await MediaRig.StartAsync(Cancel, options => options.VideoDuration = TimeSpan.FromSeconds(3));
        var outcome = await rig.RenderAsync(source, Lane.Video, Cancel, wishes: new RenderWishes(Split: true));
        foreach (var size in outcome.All.Where(r => r.File.Codecs is not null).GroupBy(r => r.File.Name))
        {
            Assert.True(size.Count() >= 3, $"{size.Key}: {size.Count()} segments");
            var begins = 0.0;
            foreach (var segment in size)
            {
                var lasts = segment.File.Duration!.Value.TotalSeconds;
                var pictures = await rig.KeepAsync(segment, PicturesAsync);
                var sounds = await rig.KeepAsync(segment, SoundsAsync);
                AssertSpans(pictures, lasts, $"{size.Key} {segment.File.Segment}, pictures");
                AssertSpans(sounds, lasts, $"{size.Key} {segment.File.Segment}, sound");
                AssertIs(pictures, at => shown(begins + at), $"{size.Key} {segment.File.Segment}, pictures");
                AssertIs(sounds, at => begins + at, $"{size.Key} {segment.File.Segment}, sound");
                begins += lasts;
            }
            Assert.InRange(begins, length - 0.1, length + 0.1);
        }
    }

    /// <summary>As browsers record: neither length nor index, and of a screen on which nothing moves hardly a picture.</summary>
    [Theory]
    [InlineData(2, 4, 0)]
    [InlineData(0.1, 4, 0)]
    [InlineData(2, 3, 1)]
    [InlineData(3, 2, 0)]
    public async Task A_recording_without_a_length_is_as_long_as_its_longest_track(double pictures, double sound, double late)
    {
        var whole = await MakeAsync("whole.webm", Flashes(pictures), sound, "-c:v", "libvpx", "-c:a", "libopus");
        string[] later = ["-itsoffset", late.ToString(CultureInfo.InvariantCulture), "-i", whole, "-i", whole, "-map", "0:v", "-map", "1:a"];
        var live = await Tools.MakeAsync("live.webm", [.. later, "-c", "copy", "-live", "1", "-seekable", "0"]);
        Assert.DoesNotContain("duration", await Tools.RunAsync("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "json", live));
        await using var rig = await MediaRig.StartAsync(Cancel);
        var rendition = (await rig.RenderAsync(live, Lane.Video, Cancel)).All.First(r => r.File.Codecs is not null);
        Assert.InRange(rendition.File.Duration!.Value.TotalSeconds, Math.Max(pictures + late, sound) - 0.05, Math.Max(pictures + late, sound) + 0.15);
        var heard = await rig.KeepAsync(rendition, SoundsAsync);
        AssertIs([.. heard.Where(h => h.At < sound)], at => at, "sound");
    }

    [Theory]
    [InlineData("gif", 3, 60, 1.8)]
    [InlineData("gif", 2, 50, 1.0)]
    [InlineData("webp", 3, 60, 1.8)]
    [InlineData("gif", 2, 120, 2.4)]
    public async Task An_animation_is_shown_to_its_end_however_fast_it_is(string kind, int hundredths, int pictures, double seconds)
    {
        // Red, and blue in the second half.
        var half = (pictures / 2 * hundredths / 100.0).ToString(CultureInfo.InvariantCulture);
        string[] encoder = kind == "gif" ? [] : ["-c:v", "libwebp_anim", "-lossless", "1"];
        var animation = await Tools.MakeAsync($"fast.{kind}",
            ["-f", "lavfi", "-i", $"color=red:size=32x32:rate=100/{hundredths},drawbox=color=blue:t=fill:enable='gte(t,{half}-0.001)',noise=alls=4:allf=t", "-frames:v", $"{pictures}", .. encoder]);
        await using var rig = await MediaRig.StartAsync(Cancel);
        var rendition = (await rig.RenderAsync(animation, Lane.Photo, Cancel)).All.First(r => r.File.Codecs is not null);
        Assert.Equal(seconds, rendition.File.Duration!.Value.TotalSeconds, 3);
        AssertSpans(await rig.KeepAsync(rendition, PicturesAsync), seconds, "pictures");
        foreach (var (at, isBlue) in new[] { (0.1, false), (seconds / 2 - 0.1, false), (seconds / 2 + 0.1, true), (seconds - 0.1, true) })
        {
            var pixels = await rig.KeepAsync(rendition, path => Tools.PixelsAsync(path, 2, 2, "-ss", at.ToString(CultureInfo.InvariantCulture)));
            Assert.True(isBlue == pixels[^1] > pixels[^3], $"at {at}");
        }
    }

    /// <summary>Slides, or a screen: the picture that stands then came long before. Of an animation the times are known to nobody but us.</summary>
    [Theory]
    [InlineData("mp4", 0.5, "red")]
    [InlineData("mp4", 7.0, "lime")]
    [InlineData("mp4", 14.9, "blue")]
    [InlineData("gif", 0.5, "red")]
    [InlineData("gif", 7.0, "lime")]
    [InlineData("gif", 14.9, "blue")]
    public async Task A_poster_is_the_picture_that_stands_at_its_moment(string kind, double at, string color)
    {
        string[] encoder = kind == "gif" ? [] : ["-c:v", "libx264", "-pix_fmt", "yuv420p"];
        var slides = await Tools.MakeAsync($"slides.{kind}", ["-f", "lavfi", "-i", "color=red:size=320x240:rate=0.2:duration=15,drawbox=color=lime:t=fill:enable='eq(t,5)',drawbox=color=blue:t=fill:enable='eq(t,10)'", .. encoder]);
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(slides, kind == "gif" ? Lane.Photo : Lane.Video, Cancel, wishes: new RenderWishes(PosterAt: at));
        var pixels = await rig.KeepAsync(outcome.All.Single(r => r.File.Name == "poster"), path => Tools.PixelsAsync(path, 1, 1));
        Assert.Equal(color, pixels.Index().MaxBy(p => p.Item).Index switch { 0 => "red", 1 => "lime", _ => "blue" });
    }

    [Fact]
    public async Task Slow_motion_of_minutes_is_cut_like_any_other_video()
    {
        var video = await Tools.MakeAsync("slow.mp4", "-f", "lavfi", "-i", "color=gray:size=32x32:rate=240:duration=200", "-c:v", "mpeg4", "-g", "240");
        await using var rig = await MediaRig.StartAsync(Cancel);
        await using var scratch = rig.ScratchRoom.Open();
        File.Copy(video, scratch.File("upload-0"));
        var media = await rig.Renderer.PrepareAsync(scratch, "upload-0", Lane.Video, new RenderWishes(Split: true), Cancel);
        Assert.Equal(["60", "60", "60", "20"], media.Plan!.Segments.Select(s => $"{s.Duration.TotalSeconds:0}"));
    }

    /// <returns>The file, its length, and what of it is shown at a moment.</returns>
    private static async Task<(string File, double Length, Func<double, double> Shown)> SourceAsync(string name)
    {
        switch (name)
        {
            case "kept":
                return (await MakeAsync("s.mp4", Flashes(8), 8, [.. H264, .. Kept]), 8, at => at);
            case "encoded, sound kept":
                return (await MakeAsync("s.mp4", Flashes(8), 8, [.. Mpeg4, .. Kept]), 8, at => at);
            case "without key frames, sound kept":
                return (await MakeAsync("s.mp4", Flashes(8), 8, [.. H264, "-g", "300", .. Kept]), 8, at => at);
            case "a picture that stands across a cut":
                return (await MakeAsync("s.mp4", Flashes(8) + ",select='lt(t,1.05)+gte(t,7.25)'", 8, ["-vsync", "vfr", .. H264, "-g", "300"]), 8, at => at is > 1.05 and < 7.25 ? 1 : at);
            case "a picture for ten seconds":
                return (await MakeAsync("s.mp4", Flashes(20, "0.1"), 20, Mpeg4), 20, _ => 0);
            case "Matroska with pictures in another order":
                return (await MakeAsync("s.mkv", Flashes(8), 8, H264), 8, at => at);
            case "Matroska that begins at five seconds":
                return (await MakeAsync("s.mkv", Flashes(8), 8, [.. H264, "-output_ts_offset", "5"]), 8, at => at);
            case "sound that goes on":
                return (await MakeAsync("s.mp4", Flashes(3), 8, H264), 8, at => Math.Min(at, 2.9));
            default:
                var early = await MakeAsync("s.mp4", Flashes(8), 8, H264);
                return (await Tools.MakeAsync("late.mp4", "-itsoffset", "0.4", "-i", early, "-i", early, "-map", "0:v", "-map", "1:a", "-c", "copy"), 8.4, at => Math.Max(0, at - 0.4));
        }
    }

    private static string Flashes(double seconds, string rate = "10") =>
        FormattableString.Invariant($"color=black:size=320x240:rate={rate}:duration={seconds},drawbox=color=white:t=fill:enable='between(mod(t+0.001,1),0.5,0.7)'");

    private static Task<string> MakeAsync(string name, string pictures, double sound, params string[] output) =>
        Tools.MakeAsync(name, ["-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", Beeps + sound.ToString(CultureInfo.InvariantCulture), .. output]);

    private static Task<List<Moment>> PicturesAsync(string file) => MomentsAsync($"movie={file},signalstats", "lavfi.signalstats.YAVG", on: 128);

    /// <summary>Decibels of each fiftieth of a second.</summary>
    private static Task<List<Moment>> SoundsAsync(string file) => MomentsAsync($"amovie={file},asetnsamples=882,astats=metadata=1:reset=1", "lavfi.astats.Overall.RMS_level", on: -40);

    private static async Task<List<Moment>> MomentsAsync(string input, string tag, double on)
    {
        var said = await Tools.RunAsync("ffprobe", "-v", "error", "-f", "lavfi", "-i", input, "-show_entries", $"frame=pts_time:frame_tags={tag}", "-of", "csv=p=0");
        return [.. said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(',')).Select(parts => new Moment(Number(parts[0]), parts[^1] != "-inf" && Number(parts[^1]) > on))];
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static void AssertSpans(List<Moment> moments, double seconds, string what)
    {
        Assert.True(moments.Count > 0, $"{what}: nothing");
        Assert.True(Math.Abs(moments[0].At) <= 0.05, $"{what}: begins at {moments[0].At}");
        Assert.True(Math.Abs(moments[^1].At - seconds) <= 0.15, $"{what}: the last of {seconds} s at {moments[^1].At}");
    }

    /// <summary>Each moment is as bright, or as loud, as the source is then, or as it is a little before or after.</summary>
    private static void AssertIs(List<Moment> moments, Func<double, double> source, string what)
    {
        foreach (var moment in moments)
        {
            var then = source(moment.At);
            Assert.True(IsOn(then) == moment.IsOn || IsOn(then - Tolerance) == moment.IsOn || IsOn(then + Tolerance) == moment.IsOn, $"{what}: at {moment.At} it is {moment.IsOn}, which at {then} it is not");
        }

        static bool IsOn(double at) => at >= 0 && at % 1 is >= 0.499 and < 0.7;
    }

    /// <param name="IsOn">A flash or a beep.</param>
    private readonly record struct Moment(double At, bool IsOn);
}
