using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>What comes out of the renderer, byte by byte; SampleTests follow the same files through the whole service.</summary>
public sealed class RendererTests
{
    /// <summary>Planted by make-samples, or signed by what made the file.</summary>
    private static readonly string[] Traces = ["CANARY", "Exif\0\0", "ns.adobe.com", "Photoshop", "ICC_PROFILE", "47.3769", "2001:02", "2001-02", "x264 - core"];

    /// <summary>ffmpeg's name, with its version.</summary>
    private static readonly Regex Signature = new("Lav[cf][0-9]{2}\\.");

    /// <summary>So short that among megabytes of coded pictures one stands by chance some day: looked for in everything else.</summary>
    private static readonly string[] ShortTraces = ["Exif", "EXIF", "XMP ", "ICCP", "2001", "loci", "xyz", "x264", "Lavc", "Lavf"];

    private static readonly string[] CodedPictures = ["mdat", "VP8 ", "VP8L", "ALPH"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Good => Samples.Good;

    public static TheoryData<string> Hostile => Samples.Hostile;

    [Theory]
    [MemberData(nameof(Good))]
    public async Task A_good_sample_becomes_the_expected_renditions_and_nothing_of_its_past_is_in_them(string file)
    {
        var sample = Samples.Of(file);
        await using var rig = await MediaRig.StartAsync(Cancel);

        var outcome = await rig.RenderAsync(Samples.PathOf(file), sample.Lane, Cancel);

        Assert.Equal(
            sample.Renditions!.Select(r => (r.Key, r.Value[0], r.Value[1])).Order(),
            outcome.All.Select(r => (r.File.Name, r.File.Width, r.File.Height)).Order());
        foreach (var (rendition, bytes) in outcome.All)
        {
            Assert.All(Traces, trace => Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.Latin1.GetBytes(trace))));
            Assert.DoesNotMatch(Signature, Encoding.Latin1.GetString(bytes));
            Assert.All(ShortTraces, trace => Assert.DoesNotContain(trace, BesidePictures(bytes), StringComparison.Ordinal));
            Assert.Equal(rendition.Name.StartsWith("video", StringComparison.Ordinal) ? "video/mp4" : "image/webp", rendition.MediaType);
        }
        Assert.InRange(outcome.Preview!.Length, 20, 1024);
        Assert.True(rig.ScratchRoom.IsEmpty);
    }

    /// <summary>All of a file but what is in its boxes (ISO 14496-12, section 4.2) or chunks (RFC 9649, section 2.3) of coded pictures.</summary>
    private static string BesidePictures(byte[] file)
    {
        var isWebP = file.AsSpan().StartsWith("RIFF"u8);
        var rest = new StringBuilder();
        for (var at = isWebP ? 12 : 0; at < file.Length;)
        {
            var name = Encoding.Latin1.GetString(file, isWebP ? at : at + 4, 4);
            var length = isWebP ? 8 + (BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4)) + 1) / 2 * 2 : BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            rest.Append(Encoding.Latin1.GetString(file, at, CodedPictures.Contains(name) ? 8 : length));
            at += length;
        }
        return rest.ToString();
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_hostile_sample_is_refused_by_its_code(string file)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        Assert.Equal(Samples.Of(file).Code, await rig.RefusalAsync(Samples.PathOf(file), Samples.Of(file).Lane, Cancel));
        Assert.True(rig.ScratchRoom.IsEmpty);
    }

    [Fact]
    public async Task A_compliant_video_is_live_with_its_own_pictures_before_anything_is_encoded()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(Samples.CompliantVideo, Lane.Video, Cancel);
        Assert.Equal(["video-source", "poster"], outcome.Sets[0].Select(r => r.File.Name));
        Assert.Equal(["video-480", "video-240"], outcome.Sets[1].Select(r => r.File.Name));

        var (source, remuxed) = (Samples.CompliantVideo, outcome.Sets[0][0]);
        Assert.Equal(await Tools.PictureDigestsAsync(source), await rig.KeepAsync(remuxed, Tools.PictureDigestsAsync));
    }

    [Fact]
    public async Task An_image_sequence_has_no_sound_and_is_shown_once()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var noisy = HandMade.Branded(await File.ReadAllBytesAsync(Samples.PathOf("video-hevc.mp4"), Cancel), "msf1");
        var video = (await rig.RenderAsync(await Tools.WriteAsync(noisy), Lane.Photo, Cancel)).All.First();
        Assert.Equal("h264", await rig.KeepAsync(video, path => Tools.RunAsync("ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path)));

        // As libavif writes one of a second that is to be shown many times.
        var looped = HandMade.Edit(await File.ReadAllBytesAsync(Samples.PathOf("photo-animated.avif"), Cancel), "moov/mvhd", box => HandMade.Overwrite(box, 24, HandMade.Large32(100_000)));
        var once = (await rig.RenderAsync(await Tools.WriteAsync(looped), Lane.Photo, Cancel)).All.First().File;
        Assert.Equal(("video-64", 1), (once.Name, (int)Math.Round(once.Duration!.Value.TotalSeconds)));
    }

    [Fact]
    public async Task Every_rung_is_made_for_every_player()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        // 60 pictures a second, 4:4:4, no key frame after the first.
        var source = await Tools.MakeAsync("lively.mp4", "-f", "lavfi", "-i", "testsrc2=size=1280x960:rate=60", "-t", "2.5", "-pix_fmt", "yuv444p", "-c:v", "libx264", "-preset", "ultrafast", "-g", "999");
        var outcome = await rig.RenderAsync(source, Lane.Video, Cancel);

        Assert.Equal([("video-960", 1280, 960), ("video-720", 960, 720), ("video-480", 640, 480), ("video-240", 320, 240), ("poster", 960, 720)], Assert.Single(outcome.Sets).Select(r => (r.File.Name, r.File.Width, r.File.Height)));
        foreach (var rendition in outcome.All.Where(r => r.File.Codecs is not null))
        {
            var facts = await rig.KeepAsync(rendition, path => Tools.RunAsync("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
                "stream=codec_name,profile,pix_fmt,avg_frame_rate,sample_aspect_ratio", "-of", "default=nw=1", path));
            Assert.Equal(["codec_name=h264", "profile=Main", "sample_aspect_ratio=1:1", "pix_fmt=yuv420p", "avg_frame_rate=30/1"], facts.Split('\n'));
            var keys = await rig.KeepAsync(rendition, path => Tools.RunAsync("ffprobe", "-v", "error", "-select_streams", "v", "-skip_frame", "nokey", "-show_entries", "frame=pts_time", "-of", "csv=p=0", path));
            Assert.Equal(["0", "1", "2"], keys.Split('\n').Select(k => k[..1]));
            Assert.Matches("^avc1\\.4d[0-9a-f]{4}$", rendition.File.Codecs);
            var profile = await rig.KeepAsync(rendition, path => Tools.RunAsync("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=level", "-of", "csv=p=0", path));
            Assert.EndsWith(int.Parse(profile).ToString("x2"), rendition.File.Codecs, StringComparison.Ordinal);
        }
        Assert.Equal(100, outcome.Percents[^1]);
        Assert.Equal(outcome.Percents.Order(), outcome.Percents);
    }

    [Theory]
    [InlineData("video-120fps.mp4", "30/1")]
    [InlineData("video-240fps.mp4", "30/1")]
    [InlineData("video-variable-rate.mp4", "30/1")]
    public async Task Slow_motion_and_uneven_rates_become_steady(string file, string rate)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var rung = (await rig.RenderAsync(Samples.PathOf(file), Lane.Video, Cancel)).All.Single(r => r.File.Name == "video-240");
        Assert.Equal(rate, await rig.KeepAsync(rung, path => Tools.RunAsync("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=r_frame_rate", "-of", "csv=p=0", path)));
    }

    [Fact]
    public async Task An_animation_that_says_so_is_turned()
    {
        var lying = await Tools.WriteAsync(await File.ReadAllBytesAsync(Samples.PathOf("photo-animated.webp"), Cancel));
        await Tools.RunAsync("exiftool", "-q", "-overwrite_original", "-n", "-EXIF:Orientation=6", lying);
        await using var rig = await MediaRig.StartAsync(Cancel);
        Assert.All((await rig.RenderAsync(lying, Lane.Photo, Cancel)).All, r => Assert.Equal((64, 96), (r.File.Width, r.File.Height)));
    }

    /// <summary>A JPEG is decoded at half its size where it is to become much smaller: of one row that leaves none.</summary>
    [Theory]
    [InlineData(4000, 1)]
    [InlineData(2, 16384)]
    public async Task A_photo_may_be_as_thin_as_can_be(int width, int height)
    {
        var photo = await Tools.MakeAsync("thin.jpg", "-f", "lavfi", "-i", $"testsrc2=size={Math.Max(width, 16)}x{Math.Max(height, 16)}", "-vf", $"crop={width}:{height}:0:0:exact=1,format=yuvj444p", "-frames:v", "1");
        await using var rig = await MediaRig.StartAsync(Cancel);
        Assert.All((await rig.RenderAsync(photo, Lane.Photo, Cancel)).All, r => Assert.True(r.File.Width >= 1 && r.File.Height >= 1));
    }

    /// <summary>A comb is what remains of two fields of a moving picture: every other row differs more from its neighbours than from the one beyond.</summary>
    [Fact]
    public async Task Interlaced_pictures_have_no_comb()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var video = await Tools.MakeAsync("fields.mp4", "-f", "lavfi", "-i", "testsrc2=size=640x480:rate=50,scroll=horizontal=0.02", "-t", "1", "-vf", "tinterlace=interleave_top",
            "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "12", "-flags", "+ilme+ildct", "-x264-params", "tff=1");
        Assert.True(await CombedPicturesAsync(video) > 20, "the source itself must have one");
        var rung = (await rig.RenderAsync(video, Lane.Video, Cancel)).All.Single(r => r.File.Name == "video-480");
        Assert.Equal(0, await rig.KeepAsync(rung, CombedPicturesAsync));
    }

    [Fact]
    public async Task A_picture_with_uneven_delays_is_shown_as_long_as_it_says()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var file = await Tools.MakeAsync("uneven.gif", "-f", "lavfi", "-i", "color=red:size=64x64:rate=10:duration=0.2[a];color=blue:size=64x64:rate=10:duration=0.8[b];[a][b]concat,split[x][y];[x]palettegen[p];[y][p]paletteuse");
        var outcome = await rig.RenderAsync(file, Lane.Photo, Cancel);
        var video = outcome.All.Single(r => r.File.Name == "video-64");
        Assert.Equal(TimeSpan.FromSeconds(1), video.File.Duration);
        var red = 0;
        foreach (var at in Enumerable.Range(0, 10))
        {
            var picture = await rig.KeepAsync(video, path => Tools.MakeAsync("at.png", "-ss", $"{(at / 10.0 + 0.05).ToString(System.Globalization.CultureInfo.InvariantCulture)}", "-i", path, "-frames:v", "1"));
            if ((await Tools.ColorAtAsync(picture, 0.5, 0.5)).Red > 150) red++;
        }
        Assert.Equal(2, red);
    }

    [Theory]
    [InlineData("2:1", 0, 1280, 480)]
    [InlineData("1:1", 90, 480, 640)]
    [InlineData("1:1", 180, 640, 480)]
    [InlineData("1:1", 270, 480, 640)]
    [InlineData("2:1", 90, 480, 1280)]
    public async Task Pictures_stand_upright_and_in_shape(string pixels, int rotation, int width, int height)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        // Stored red on the left, blue on the right.
        var stored = await Tools.MakeAsync("stored.mp4", "-f", "lavfi", "-i", "color=red:size=320x480:rate=10[l];color=blue:size=320x480:rate=10[r];[l][r]hstack",
            "-t", "0.5", "-vf", $"setsar={pixels.Replace(':', '/')}", "-pix_fmt", "yuv422p", "-c:v", "libx264", "-preset", "ultrafast");
        // This option counts against the clock.
        var turned = await Tools.MakeAsync("turned.mp4", "-i", stored, "-c", "copy", "-metadata:s:v", $"rotate={(360 - rotation) % 360}");

        var outcome = await rig.RenderAsync(turned, Lane.Video, Cancel);

        var rung = outcome.All.Single(r => r.File.Name == "video-480");
        Assert.Equal((width, height), (rung.File.Width, rung.File.Height));
        // Where red is to be seen: turned clockwise, what was on the left comes to the top.
        var (x, y) = rotation switch { 90 => (0.5, 0.1), 180 => (0.9, 0.5), 270 => (0.5, 0.9), _ => (0.1, 0.5) };
        foreach (var rendition in outcome.All)
        {
            var (red, blue) = await rig.KeepAsync(rendition, path => Tools.ColorAtAsync(path, x, y));
            Assert.True(red > 150 && blue < 100, $"{rendition.File.Name}: {red} {blue}");
        }
    }

    [Theory]
    [InlineData(1, 0.1, 0.5)]
    [InlineData(3, 0.9, 0.5)]
    [InlineData(6, 0.5, 0.1)]
    [InlineData(8, 0.5, 0.9)]
    public async Task Photos_stand_upright(int orientation, double x, double y)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var photo = await Tools.MakeAsync("photo.jpg", "-f", "lavfi", "-i", "color=red:size=300x400[l];color=blue:size=300x400[r];[l][r]hstack", "-frames:v", "1");
        await Tools.RunAsync("exiftool", "-q", "-overwrite_original", $"-Orientation#={orientation}", photo);
        var outcome = await rig.RenderAsync(photo, Lane.Photo, Cancel);
        foreach (var rendition in outcome.All)
        {
            var (red, blue) = await rig.KeepAsync(rendition, path => Tools.ColorAtAsync(path, x, y));
            Assert.True(red > 150 && blue < 100, $"{rendition.File.Name}: {red} {blue}");
        }
    }

    [Fact]
    public async Task A_photo_keeps_its_transparency_and_has_a_preview_that_fits_a_manifest()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(Samples.PathOf("photo-transparent.png"), Lane.Photo, Cancel);
        foreach (var rendition in outcome.All)
        {
            // RFC 9649: the extended header's flags; 0x10 is alpha.
            Assert.Equal("VP8X"u8, rendition.Bytes.AsSpan(12, 4));
            Assert.Equal(0x10, rendition.Bytes[20]);
        }
        Assert.InRange(outcome.Preview!.Length, 20, 1024);
        Assert.Equal("WEBP"u8, outcome.Preview.AsSpan(8, 4));
    }

    [Fact]
    public async Task Nothing_is_ever_enlarged()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var video = await Tools.MakeAsync("small.mp4", "-f", "lavfi", "-i", "testsrc2=size=241x180:rate=10", "-t", "0.5", "-pix_fmt", "yuv444p", "-c:v", "libx264", "-preset", "ultrafast");
        Assert.Equal([("video-180", 240, 180), ("poster", 240, 180)], (await rig.RenderAsync(video, Lane.Video, Cancel)).All.Select(r => (r.File.Name, r.File.Width, r.File.Height)));
        var photo = await Tools.MakeAsync("small.png", "-f", "lavfi", "-i", "testsrc2=size=200x30", "-frames:v", "1");
        Assert.Equal([(200, 30), (200, 30)], (await rig.RenderAsync(photo, Lane.Photo, Cancel)).All.Select(r => (r.File.Width, r.File.Height)));
    }

    private static async Task<int> CombedPicturesAsync(string file)
    {
        var said = await Tools.RunAsync("ffprobe", "-v", "error", "-f", "lavfi", "-i", $"movie={file},idet=half_life=1", "-show_entries", "frame_tags=lavfi.idet.single.current_frame", "-of", "csv=p=0");
        return said.Split('\n').Count(line => line is "tff" or "bff");
    }
}
