using System.Globalization;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>What is heard of a video, judged by ffmpeg's own meters.</summary>
public sealed class SoundTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("video-quiet.mp4")]
    [InlineData("video-loud.mp4")]
    public async Task Every_rendition_is_as_loud_as_the_others_of_the_tray(string file)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(Samples.PathOf(file), Lane.Video, Cancel);
        foreach (var rendition in outcome.All.Where(r => r.File.Codecs is not null))
            Assert.InRange(await rig.KeepAsync(rendition, LoudnessAsync), -17.5, -14.5);
    }

    /// <summary>Of whole numbers many channels are mixed so that none can clip, which is quieter than what was measured.</summary>
    [Theory]
    [InlineData("4.0", "pcm_s16le")]
    [InlineData("5.1", "pcm_s24le")]
    [InlineData("5.1", "aac")]
    [InlineData("7.1", "pcm_s16le")]
    public async Task Many_channels_are_as_loud_as_two(string layout, string codec)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var video = await Tools.MakeAsync("channels.mov", "-f", "lavfi", "-i", "color=size=320x240:rate=10:duration=2", "-f", "lavfi", "-i", "sine=duration=2", "-af", $"aformat=channel_layouts=stereo,aformat=channel_layouts={layout}",
            "-c:v", "mpeg4", "-c:a", codec);
        Assert.InRange(await rig.KeepAsync((await rig.RenderAsync(video, Lane.Video, Cancel)).All.First(), LoudnessAsync), -17.5, -14.5);
    }

    /// <summary>Whoever changes to another size in the middle hears nothing of it, also when a size was made by another worker.</summary>
    [Theory]
    [InlineData("libx264", "video-source")]
    [InlineData("mpeg4", "video-480")]
    public async Task All_sizes_carry_the_same_sound_to_the_byte(string codec, string largest)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var video = await Tools.MakeAsync("sizes.mp4", "-f", "lavfi", "-i", "testsrc2=size=640x480:rate=10:duration=2", "-f", "lavfi", "-i", "sine=duration=2", "-c:v", codec, "-pix_fmt", "yuv420p", "-c:a", "libmp3lame");
        var whole = await rig.RenderAsync(video, Lane.Video, Cancel);
        var left = await rig.RenderAsync(video, Lane.Video, Cancel, made: whole.Sets.Count - 1);
        var videos = whole.All.Concat(left.All).Where(r => r.File.Codecs is not null).ToList();
        Assert.Equal([largest, "video-240"], videos.Select(r => r.File.Name).Distinct());
        var sounds = new HashSet<string>();
        foreach (var rendition in videos) sounds.Add(await rig.KeepAsync(rendition, path => Tools.RunAsync("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-")));
        Assert.Single(sounds);
    }

    [Theory]
    [InlineData("libx264", "libmp3lame", "video-source")]
    [InlineData("libx264", "aac", "video-source")]
    [InlineData("mpeg4", "libmp3lame", "video-240")]
    public async Task Segments_after_the_end_of_the_sound_are_made_all_the_same(string codec, string soundCodec, string largest)
    {
        await using var rig = await MediaRig.StartAsync(Cancel, options => options.VideoDuration = TimeSpan.FromSeconds(3));
        var video = await Tools.MakeAsync("short-sound.mp4", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=8", "-f", "lavfi", "-i", "sine=duration=2", "-af", "volume=5.7dB", "-c:v", codec, "-pix_fmt", "yuv420p", "-g", "10", "-c:a", soundCodec);
        var outcome = await rig.RenderAsync(video, Lane.Video, Cancel, wishes: new RenderWishes(Split: true));
        var segments = outcome.All.Where(r => r.File.Name == largest).ToList();
        Assert.True(segments.Count >= 3, $"{segments.Count} segments");
        var pictures = 0;
        foreach (var segment in segments)
        {
            pictures += (await rig.KeepAsync(segment, path => Tools.RunAsync("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts", "-of", "csv=p=0", path))).Split('\n').Length;
            var heard = await rig.KeepAsync(segment, path => Tools.RunAsync("ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=pts", "-of", "csv=p=0", path));
            // Frames of 1,024 samples: a player waits for sound that is announced, so there is as much as there are pictures.
            Assert.InRange(heard.Split('\n').Length * 1024 / 44_100.0, segment.File.Duration!.Value.TotalSeconds, segment.File.Duration.Value.TotalSeconds + 0.1);
        }
        Assert.Equal(80, pictures);
    }

    /// <summary>With a hole in it, or hardly any: a segment in the hole would announce sound and have none.</summary>
    [Theory]
    [InlineData("between(t,0,1)+gt(t,7)")]
    [InlineData("lt(t,0.06)")]
    public async Task Where_there_is_no_sound_there_is_silence(string when)
    {
        await using var rig = await MediaRig.StartAsync(Cancel, options => options.VideoDuration = TimeSpan.FromSeconds(3));
        var video = await Tools.MakeAsync("hole.mkv", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=8", "-f", "lavfi", "-i", "sine=duration=8:samples_per_frame=441",
            "-af", $"volume=5.7dB,aselect='{when}'", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "10", "-c:a", "aac");
        var outcome = await rig.RenderAsync(video, Lane.Video, Cancel, wishes: new RenderWishes(Split: true));
        foreach (var segment in outcome.All.Where(r => r.File.Codecs is not null))
        {
            var heard = await rig.KeepAsync(segment, path => Tools.RunAsync("ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=pts", "-of", "csv=p=0", path));
            Assert.InRange(heard.Split('\n').Length * 1024 / 44_100.0, segment.File.Duration!.Value.TotalSeconds - 0.05, segment.File.Duration.Value.TotalSeconds + 0.1);
        }
    }

    [Fact]
    public async Task Silence_stays_silent()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var video = await Tools.MakeAsync("silent.mp4", "-f", "lavfi", "-i", "color=size=320x240:rate=10:duration=1", "-f", "lavfi", "-i", "anullsrc=duration=1", "-c:v", "libx264", "-c:a", "aac", "-shortest");
        var outcome = await rig.RenderAsync(video, Lane.Video, Cancel);
        Assert.InRange(await rig.KeepAsync(outcome.All.First(), LoudnessAsync), -100, -69);
    }

    /// <summary>A player that has pictures and no sound for its first half second does not begin.</summary>
    [Fact]
    public async Task Sound_that_begins_late_is_silence_until_then()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        foreach (var rendition in (await rig.RenderAsync(Samples.PathOf("video-late-audio.mp4"), Lane.Video, Cancel)).All.Where(r => r.File.Codecs is not null))
        {
            var starts = await rig.KeepAsync(rendition, path => Tools.RunAsync("ffprobe", "-v", "error", "-show_entries", "stream=start_time", "-of", "csv=p=0", path));
            Assert.All(starts.Split('\n'), start => Assert.InRange(double.Parse(start, CultureInfo.InvariantCulture), -0.05, 0.05));
            Assert.True(await rig.KeepAsync(rendition, path => LevelAsync(path, 440, "0.05", "0.35")) < -60, rendition.File.Name);
            Assert.True(await rig.KeepAsync(rendition, path => LevelAsync(path, 440, "0.6", "0.3")) > -40, rendition.File.Name);
        }
    }

    [Theory]
    [InlineData("mono", 1)]
    [InlineData("stereo", 2)]
    [InlineData("5.1", 2)]
    public async Task Sound_has_one_channel_or_two(string layout, int channels)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var video = await Tools.MakeAsync("sound.mkv", "-f", "lavfi", "-i", "color=size=320x240:rate=10:duration=1", "-f", "lavfi", "-i", "sine=duration=1", "-af", $"aformat=channel_layouts={layout}",
            "-c:v", "libx264", "-c:a", "libopus", "-b:a", "64k");
        var outcome = await rig.RenderAsync(video, Lane.Video, Cancel);
        Assert.Equal($"{channels}", await rig.KeepAsync(outcome.All.First(), path => Tools.RunAsync("ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=channels", "-of", "csv=p=0", path)));
    }

    private static async Task<double> LoudnessAsync(string file) =>
        await LastAsync("ffprobe", "lavfi.r128.I", "-f", "lavfi", "-i", $"amovie={file},ebur128=metadata=1");

    /// <summary>Decibels around a pitch.</summary>
    private static async Task<double> LevelAsync(string file, double pitch, string from = "0", string length = "9") =>
        await LastAsync("ffprobe", "lavfi.astats.Overall.RMS_level", "-f", "lavfi", "-i",
            $"amovie={file},atrim=start={from}:duration={length},bandpass=f={pitch.ToString(CultureInfo.InvariantCulture)}:width_type=h:w=60,bandpass=f={pitch.ToString(CultureInfo.InvariantCulture)}:width_type=h:w=60,astats=metadata=1:reset=0");

    private static async Task<double> LastAsync(string program, string tag, params string[] input)
    {
        var said = await Tools.RunAsync(program, ["-v", "error", .. input, "-show_entries", $"frame_tags={tag}", "-of", "csv=p=0"]);
        var last = said.Split('\n')[^1];
        return last == "-inf" ? -120 : double.Parse(last, CultureInfo.InvariantCulture);
    }
}
