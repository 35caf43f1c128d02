using Stories.Core.Media;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>Each limit and each kind of bad input ends with its own code, and with nothing left in scratch.</summary>
public sealed class RefusalTests
{
    private static readonly Dictionary<string, Action<MediaOptions>> Tight = new()
    {
        ["photo pixels"] = options => options.PhotoMegapixels = 1,
        ["photo side"] = options => options.PhotoSide = 1200,
        ["video duration"] = options => options.VideoDuration = TimeSpan.FromSeconds(1),
        ["video streams"] = options => options.VideoStreams = 1,
        ["video side"] = options => options.VideoSide = 640,
        ["video frames"] = options => options.VideoFramesPerSecond = 10,
        ["output"] = options => options.OutputBytes = 100_000,
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("photo pixels", "photo-portrait-exif.jpg", MediaCodes.TooManyPixels)]
    [InlineData("photo side", "photo-portrait-exif.jpg", MediaCodes.TooManyPixels)]
    [InlineData("video duration", "video-portrait-rotated.mp4", MediaCodes.TooLong)]
    [InlineData("video streams", "video-portrait-rotated.mp4", MediaCodes.TooManyStreams)]
    [InlineData("video side", "video-portrait-rotated.mp4", MediaCodes.TooManyPixels)]
    [InlineData("video frames", "video-portrait-rotated.mp4", MediaCodes.FrameRateRefused)]
    [InlineData("output", "video-portrait-rotated.mp4", MediaCodes.Limit)]
    [InlineData("output", "video-compliant.mp4", MediaCodes.Limit)]
    public async Task A_file_beyond_a_limit_is_refused(string limit, string file, string code)
    {
        await using var rig = await MediaRig.StartAsync(Cancel, Tight[limit]);
        Assert.Equal(code, await rig.RefusalAsync(Samples.PathOf(file), Samples.Of(file).Lane, Cancel));
        Assert.True(rig.ScratchRoom.IsEmpty);
    }

    [Fact]
    public async Task Pages_count_as_pixels_and_have_a_limit_of_their_own()
    {
        var animation = await Tools.MakeAsync("animation.webp", "-f", "lavfi", "-i", "testsrc2=size=100x100:rate=10", "-t", "1", "-c:v", "libwebp_anim");
        await using var rig = await MediaRig.StartAsync(Cancel, options => options.PhotoPages = 9);
        Assert.Equal(MediaCodes.TooManyPixels, await rig.RefusalAsync(animation, Lane.Photo, Cancel));
        await using var roomier = await MediaRig.StartAsync(Cancel, options => options.PhotoPages = 10);
        Assert.Equal(["video-100", "poster"], (await roomier.RenderAsync(animation, Lane.Photo, Cancel)).All.Select(r => r.File.Name));
    }

    [Theory]
    [InlineData("photo-animated.avif")]
    [InlineData("photo-animated.heic")]
    public async Task An_image_sequence_may_have_as_many_pictures_as_any_animation(string file)
    {
        await using var rig = await MediaRig.StartAsync(Cancel, options => options.PhotoPages = 9);
        Assert.Equal(MediaCodes.TooManyPixels, await rig.RefusalAsync(Samples.PathOf(file), Lane.Photo, Cancel));
        // All its pictures together: ten of 96 by 64 are 61,440, a video's 30 of 320 by 240 more than two million.
        await using var small = await MediaRig.StartAsync(Cancel, options => options.PhotoMegapixels = 2);
        Assert.Equal(MediaCodes.TooManyPixels, await small.RefusalAsync(await AsSequenceAsync("video-hevc.mp4"), Lane.Photo, Cancel));
        Assert.NotEmpty((await small.RenderAsync(Samples.PathOf(file), Lane.Photo, Cancel)).All);
    }

    [Theory]
    [InlineData("video-compliant.mp4")]
    [InlineData("video-edit-list.mp4")]
    [InlineData("video-mpeg4.mp4")]
    public async Task A_video_that_says_it_is_an_image_sequence_gets_past_no_lane(string file)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        Assert.Equal(MediaCodes.PictureCodecRefused, await rig.RefusalAsync(await AsSequenceAsync(file), Lane.Photo, Cancel));
        Assert.Equal(MediaCodes.WrongLane, await rig.RefusalAsync(await AsSequenceAsync(file), Lane.Video, Cancel));
    }

    private static async Task<string> AsSequenceAsync(string file) =>
        await Tools.WriteAsync(HandMade.Branded(await File.ReadAllBytesAsync(Samples.PathOf(file), Cancel), "msf1"));

    [Fact]
    public async Task Work_beyond_its_time_is_refused()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        await rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel);
        rig.Options.WallClock = TimeSpan.FromMilliseconds(1);
        Assert.Equal(MediaCodes.Limit, await rig.RefusalAsync(Samples.Photo, Lane.Photo, Cancel));
        Assert.Equal(MediaCodes.Limit, await rig.RefusalAsync(Samples.CompliantVideo, Lane.Video, Cancel));
        rig.Options.WallClock = TimeSpan.FromSeconds(30);
        Assert.Equal(2, (await rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel)).All.Count());
    }

    [Theory]
    [InlineData("video-compliant.mp4", Lane.Photo)]
    [InlineData("photo.webp", Lane.Video)]
    public async Task A_file_in_the_other_lane_is_refused(string file, Lane lane)
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        Assert.Equal(MediaCodes.WrongLane, await rig.RefusalAsync(Samples.PathOf(file), lane, Cancel));
    }

    /// <summary>The picture, the sound, and the size and speed of either.</summary>
    [Theory]
    [InlineData("mpeg2.mp4", MediaCodes.PictureCodecRefused, "-i", "color=size=320x240:rate=25:duration=0.5", "-c:v", "mpeg2video")]
    [InlineData("magicyuv.mkv", MediaCodes.PictureCodecRefused, "-i", "color=size=320x240:rate=10:duration=0.5", "-c:v", "magicyuv")]
    [InlineData("ac3.mp4", MediaCodes.SoundCodecRefused, "-i", "color=size=320x240:rate=10:duration=0.5[out0];sine=duration=0.5[out1]", "-c:v", "libx264", "-c:a", "ac3")]
    [InlineData("flac.mkv", MediaCodes.SoundCodecRefused, "-i", "color=size=320x240:rate=10:duration=0.5[out0];sine=duration=0.5[out1]", "-c:v", "libx264", "-c:a", "flac")]
    [InlineData("sound.mp4", MediaCodes.NoPicture, "-i", "sine=duration=1", "-c:a", "aac")]
    [InlineData("fast.mp4", MediaCodes.FrameRateRefused, "-i", "color=size=64x64:rate=1000:duration=0.1", "-c:v", "libx264")]
    [InlineData("wide.mp4", MediaCodes.TooManyPixels, "-i", "color=size=5000x64:rate=10:duration=0.3", "-c:v", "libx264", "-preset", "ultrafast")]
    public async Task A_video_that_we_do_not_take_is_refused_by_what_is_wrong_with_it(string name, string code, params string[] arguments)
    {
        var file = await Tools.MakeAsync(name, ["-f", "lavfi", .. arguments]);
        await using var rig = await MediaRig.StartAsync(Cancel);
        Assert.Equal(code, await rig.RefusalAsync(file, Lane.Video, Cancel));
    }

    [Fact]
    public async Task Subtitles_and_a_cover_are_left_behind()
    {
        var words = await Tools.WriteAsync("1\n00:00:00,000 --> 00:00:01,000\nCANARY-SUBTITLE\n"u8.ToArray());
        var cover = await Tools.MakeAsync("cover.jpg", "-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1");
        var file = await Tools.MakeAsync("dressed.mp4", "-i", Samples.PathOf("video-silent.mp4"), "-f", "srt", "-i", words, "-i", cover,
            "-map", "0", "-map", "1", "-map", "2", "-c", "copy", "-c:s", "mov_text", "-disposition:v:1", "attached_pic");
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(file, Lane.Video, Cancel);
        Assert.Equal(["video-source", "poster", "video-240"], outcome.All.Select(r => r.File.Name));
        Assert.Equal("h264", await rig.KeepAsync(outcome.All.First(), path => Tools.RunAsync("ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path)));
    }

    /// <summary>ffmpeg itself would call it a shorter video, and libvips a photo with a grey end.</summary>
    [Theory]
    [InlineData("video-compliant.mp4", 0.3)]
    [InlineData("video-compliant.mp4", 0.9)]
    [InlineData("video-portrait-rotated.mp4", 0.99)]
    [InlineData("video-index-at-end.mov", 0.5)]
    [InlineData("photo-portrait-exif.jpg", 0.5)]
    [InlineData("photo-transparent.png", 0.5)]
    [InlineData("photo.webp", 0.9)]
    public async Task Half_a_file_is_never_taken_for_a_whole_one(string file, double part)
    {
        var bytes = await File.ReadAllBytesAsync(Samples.PathOf(file), Cancel);
        await using var rig = await MediaRig.StartAsync(Cancel);
        Assert.Equal(MediaCodes.Damaged, await rig.RefusalAsync(await Tools.WriteAsync(bytes[..(int)(bytes.Length * part)]), Samples.Of(file).Lane, Cancel));
    }

    [Fact]
    public async Task A_playlist_inside_a_video_container_opens_nothing()
    {
        // A data reference to another file (ISO 14496-12, section 8.7.2), made from a real one.
        var bytes = await File.ReadAllBytesAsync(Samples.PathOf("video-silent.mp4"), Cancel);
        var at = bytes.AsSpan().IndexOf("url \0\0\0\x01"u8);
        "url \0\0\0\0"u8.CopyTo(bytes.AsSpan(at));
        await using var rig = await MediaRig.StartAsync(Cancel);
        // Either way it is only ever read from itself.
        var outcome = await Record.ExceptionAsync(async () => await rig.RenderAsync(await Tools.WriteAsync(bytes), Lane.Video, Cancel));
        Assert.True(outcome is null or MediaRefusedException);
    }
}
