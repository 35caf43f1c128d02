using System.Globalization;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>What an author may ask for beside the usual: AVIF, a poster from the middle, a long video in segments.</summary>
public sealed class WishesTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("photo-portrait-exif.jpg")]
    [InlineData("photo-transparent.png")]
    [InlineData("photo-10bit.avif")]
    public async Task Photos_come_as_AVIF_too_and_smaller(string file)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(Samples.PathOf(file), Lane.Photo, Cancel, wishes: new RenderWishes(Avif: true));
        Assert.Equal(["photo-1080", "photo-1080-avif", "photo-540", "photo-540-avif"], outcome.All.Select(r => r.File.Name));
        foreach (var (webp, avif) in outcome.All.Where(r => r.File.MediaType == "image/webp").Zip(outcome.All.Where(r => r.File.MediaType == "image/avif")))
        {
            Assert.Equal((webp.File.Width, webp.File.Height), (avif.File.Width, avif.File.Height));
            Assert.Equal("ftypavif"u8, avif.Bytes.AsSpan(4, 8));
            Assert.Equal(-1, avif.Bytes.AsSpan().IndexOf("Exif"u8));
        }
        Assert.True(outcome.All.Where(r => r.File.MediaType == "image/avif").Sum(r => r.Bytes.Length) < outcome.All.Where(r => r.File.MediaType == "image/webp").Sum(r => r.Bytes.Length));
    }

    /// <summary>AVIF has words of its own for it, which every viewer but ffmpeg heeds.</summary>
    [Theory]
    [InlineData("photo-orientation-6.heic")]
    [InlineData("photo-orientation-5.jpg")]
    public async Task What_is_upright_is_not_to_be_turned_again(string file)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(Samples.PathOf(file), Lane.Photo, Cancel, wishes: new RenderWishes(Avif: true));
        foreach (var avif in outcome.All.Where(r => r.File.MediaType == "image/avif"))
            Assert.Equal((-1, -1), (avif.Bytes.AsSpan().IndexOf("irot"u8), avif.Bytes.AsSpan().IndexOf("imir"u8)));
        var preview = await Tools.RunAsync("ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", await Tools.WriteAsync(outcome.Preview!));
        Assert.Equal("32,21", preview);
    }

    [Theory]
    [InlineData(null, "red")]
    [InlineData(0.5, "red")]
    [InlineData(1.5, "blue")]
    [InlineData(1.99, "blue")]
    [InlineData(99.0, "red")]
    public async Task A_poster_shows_the_moment_that_was_asked_for(double? at, string color)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        foreach (var pixels in (string[])["yuv420p", "yuv444p"])
        {
            var video = await Tools.MakeAsync("two.mp4", "-f", "lavfi", "-i", "color=red:size=320x240:rate=10:duration=1[a];color=blue:size=320x240:rate=10:duration=1[b];[a][b]concat",
                "-pix_fmt", pixels, "-c:v", "libx264", "-preset", "ultrafast");
            var outcome = await rig.RenderAsync(video, Lane.Video, Cancel, wishes: new RenderWishes(PosterAt: at));
            var (red, blue) = await rig.KeepAsync(outcome.All.Single(r => r.File.Name == "poster"), path => Tools.ColorAtAsync(path, 0.5, 0.5));
            Assert.Equal(color, red > blue ? "red" : "blue");
        }
    }

    [Fact]
    public async Task A_long_video_is_refused_unless_it_may_be_split()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var video = Samples.PathOf("video-70s.mp4");
        Assert.Equal(MediaCodes.TooLong, await rig.RefusalAsync(video, Lane.Video, Cancel));
        var outcome = await rig.RenderAsync(video, Lane.Video, Cancel, wishes: new RenderWishes(Split: true));
        Assert.Equal([0, 1], outcome.All.Select(r => r.File.Segment!.Value).Distinct().Order());
        Assert.All(outcome.All.Where(r => r.File.Duration is not null), r => Assert.True(r.File.Duration <= TimeSpan.FromSeconds(60)));
    }

    /// <summary>Every picture carries its number, so that none can be lost, shown twice, or come in another order.</summary>
    [Theory]
    [InlineData("yuv420p", "video-source")]
    [InlineData("yuv444p", "video-240")]
    public async Task Segments_of_a_split_video_are_the_whole_of_it(string pixels, string rendition)
    {
        const int pictures = 85;
        await using var rig = await MediaRig.StartAsync(Cancel, options => options.VideoDuration = TimeSpan.FromSeconds(3));
        // Grey of a brightness that grows by one each picture; a key frame every 1.3 s.
        var video = await Tools.MakeAsync("numbered.mp4", "-f", "lavfi", "-i", $"color=black:size=320x240:rate=10:duration={pictures / 10.0},geq=lum='40+2*N':cb=128:cr=128",
            "-f", "lavfi", "-i", $"sine=frequency=440:duration={pictures / 10.0}", "-pix_fmt", pixels, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-crf", "4", "-g", "13", "-c:a", "aac");
        var outcome = await rig.RenderAsync(video, Lane.Video, Cancel, wishes: new RenderWishes(Split: true));

        var segments = outcome.All.Where(r => r.File.Name == rendition).OrderBy(r => r.File.Segment).ToList();
        Assert.True(segments.Count >= 3, $"{segments.Count} segments");
        var seen = new List<int>();
        foreach (var segment in segments) seen.AddRange(await rig.KeepAsync(segment, BrightnessesAsync));
        Assert.Equal(pictures, seen.Count);
        for (var number = 0; number < pictures; number++) Assert.InRange(seen[number], 40 + 2 * number - 1, 40 + 2 * number + 1);
        Assert.Equal(segments.Count, outcome.All.Count(r => r.File.Name == "poster"));
    }

    /// <summary>A MediaSource begins at no other picture, though decoders may.</summary>
    [Fact]
    public async Task A_picture_is_not_kept_in_segments_that_begin_with_anything_but_an_IDR_picture()
    {
        await using var rig = await MediaRig.StartAsync(Cancel, options => options.VideoDuration = TimeSpan.FromSeconds(3));
        var video = await Tools.MakeAsync("open.mp4", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=8", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "veryfast", "-profile:v", "high",
            "-x264-params", "open-gop=1:keyint=13:min-keyint=13:scenecut=0:bframes=2");
        var outcome = await rig.RenderAsync(video, Lane.Video, Cancel, wishes: new RenderWishes(Split: true));
        Assert.DoesNotContain(outcome.All, r => r.File.Name == "video-source");
        Assert.True(outcome.All.Count(r => r.File.Name == "video-240") >= 3);
    }

    private static async Task<IEnumerable<int>> BrightnessesAsync(string file)
    {
        var lines = await Tools.RunAsync("ffprobe", "-v", "error", "-f", "lavfi", "-i", $"movie={file},signalstats", "-show_entries", "frame_tags=lavfi.signalstats.YAVG", "-of", "csv=p=0");
        return lines.Split('\n').Select(line => (int)Math.Round(double.Parse(line, CultureInfo.InvariantCulture)));
    }
}
