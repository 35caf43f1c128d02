using System.Text;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>Each sample is what it claims to be, as other programs see it: a sample without its feature would prove nothing.</summary>
public sealed class SampleFactsTests
{
    /// <summary>ffprobe 5.1 neither reads an animated WebP nor a HEIC.</summary>
    private static readonly string[] BeyondProbe = [".heic", ".webp"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Codec, profile, size, pixels and their shape, then whatever the sample is about; last what else is in the file.</summary>
    [Theory]
    [InlineData("photo-orientation-1.jpg", "mjpeg|Baseline|96|64|1:1|yuvj444p|unknown|unknown|25/1")]
    [InlineData("photo-orientation-6.jpg", "mjpeg|Baseline|64|96|1:1|yuvj444p|unknown|unknown|25/1")]
    [InlineData("photo-progressive.jpg", "mjpeg|Progressive|96|64|N/A|yuvj444p|unknown|unknown|25/1")]
    [InlineData("photo-grey.jpg", "mjpeg|Baseline|96|64|N/A|gray|unknown|unknown|25/1")]
    [InlineData("photo-cmyk.jpg", "mjpeg|Baseline|96|64|N/A|gbrap|unknown|unknown|25/1")]
    [InlineData("photo-panorama.jpg", "mjpeg|Baseline|4000|20|1:1|yuvj444p|unknown|unknown|25/1")]
    [InlineData("photo-48-megapixels.jpg", "mjpeg|Baseline|8064|6048|1:1|yuvj420p|unknown|unknown|25/1")]
    [InlineData("photo-16bit.png", "png|unknown|96|64|N/A|rgb48be|unknown|unknown|25/1")]
    [InlineData("photo-cicp.png", "png|unknown|96|64|N/A|rgb48be|unknown|unknown|25/1")]
    [InlineData("photo-gamma.png", "png|unknown|96|64|N/A|rgba|unknown|unknown|25/1")]
    [InlineData("photo-palette.png", "png|unknown|96|64|N/A|pal8|unknown|unknown|25/1")]
    [InlineData("photo-grey-alpha.png", "png|unknown|96|64|N/A|ya8|unknown|unknown|25/1")]
    [InlineData("photo-animated.gif", "gif|unknown|96|64|N/A|bgra|unknown|unknown|5/1")]
    [InlineData("photo.avif", "av1|Main|96|64|1:1|yuv420p|unknown|unknown|1/1")]
    [InlineData("photo-10bit.avif", "av1|Main|96|64|1:1|yuv420p10le|iec61966-2-1|unknown|1/1")]
    [InlineData("photo-hlg.avif", "av1|Main|96|64|1:1|yuv420p10le|unknown|unknown|1/1")]
    [InlineData("photo-animated.avif", "av1|Main|96|64|1:1|yuv420p|iec61966-2-1|progressive|10/1")]
    [InlineData("video-hevc.mp4", "hevc|Main|320|240|1:1|yuv420p|bt709|progressive|30/1", "aac")]
    [InlineData("video-hevc-hlg.mp4", "hevc|Main 10|320|240|1:1|yuv420p10le|arib-std-b67|progressive|30/1", "aac")]
    [InlineData("video-hevc-pq.mp4", "hevc|Main 10|320|240|1:1|yuv420p10le|smpte2084|progressive|30/1", "aac")]
    [InlineData("video-vp8.webm", "vp8|0|320|240|1:1|yuv420p|unknown|progressive|30/1", "vorbis")]
    [InlineData("video-vp9.webm", "vp9|Profile 0|320|240|1:1|yuv420p|bt709|progressive|30/1", "opus")]
    [InlineData("video-vp9-10bit.webm", "vp9|Profile 2|320|240|1:1|yuv420p10le|bt709|progressive|30/1")]
    [InlineData("video-av1.mp4", "av1|Main|320|240|1:1|yuv420p|bt709|progressive|30/1", "aac")]
    [InlineData("video-av1.webm", "av1|Main|320|240|1:1|yuv420p|bt709|progressive|30/1", "opus")]
    [InlineData("video-mpeg4.mp4", "mpeg4|Simple Profile|320|240|1:1|yuv420p|unknown|unknown|30/1", "aac")]
    [InlineData("video-mpeg4-amr.3gp", "mpeg4|Simple Profile|320|240|1:1|yuv420p|unknown|unknown|15/1", "amr_nb")]
    [InlineData("video-h264.3gp", "h264|High|320|240|1:1|yuv420p|bt709|progressive|15/1", "aac")]
    [InlineData("video-mjpeg.mov", "mjpeg|Baseline|320|240|1:1|yuvj420p|unknown|progressive|15/1", "pcm_s16le")]
    [InlineData("video-pcm.mov", "h264|High|320|240|1:1|yuv420p|bt709|progressive|30/1", "pcm_s16le")]
    [InlineData("video-mp3.mkv", "h264|High|320|240|1:1|yuv420p|bt709|progressive|30/1", "mp3", "subrip", "mjpeg")]
    [InlineData("video-side-tracks.mp4", "h264|High|480|360|1:1|yuv420p|bt709|progressive|30/1", "aac", "mov_text", "bin_data", "unknown")]
    [InlineData("video-variable-rate.mp4", "h264|High|480|360|1:1|yuv420p|bt709|progressive|180/7", "aac")]
    [InlineData("video-120fps.mp4", "h264|High|320|240|1:1|yuv420p|bt709|progressive|120/1", "aac")]
    [InlineData("video-240fps.mp4", "h264|High|320|240|1:1|yuv420p|bt709|progressive|240/1", "aac")]
    [InlineData("video-interlaced.mp4", "h264|High|320|240|1:1|yuv420p|bt709|tt|25/1", "aac")]
    [InlineData("video-anamorphic.mp4", "h264|High|240|240|4:3|yuv420p|bt709|progressive|30/1", "aac")]
    [InlineData("video-odd-444.mp4", "h264|High 4:4:4 Predictive|321|241|1:1|yuv444p|bt709|progressive|30/1", "aac")]
    [InlineData("video-rotated-90.mp4", "h264|High|320|240|1:1|yuv420p|bt709|progressive|30/1|-90", "aac")]
    [InlineData("video-rotated-180.mp4", "h264|High|320|240|1:1|yuv420p|bt709|progressive|30/1|-180", "aac")]
    [InlineData("video-rotated-270.mp4", "h264|High|320|240|1:1|yuv420p|bt709|progressive|30/1|90", "aac")]
    [InlineData("video-two-tracks.mp4", "h264|High|480|360|1:1|yuv420p|bt709|progressive|30/1", "aac", "aac")]
    [InlineData("video-quiet.mp4", "h264|High 4:2:2|320|240|1:1|yuv422p|bt709|progressive|10/1", "aac")]
    [InlineData("video-70s.mp4", "h264|High|160|120|1:1|yuv420p|bt709|progressive|2/1", "aac")]
    public async Task A_sample_is_made_as_it_claims(string file, string picture, params string[] others)
    {
        const string facts = "stream=codec_name,profile,width,height,pix_fmt,sample_aspect_ratio,field_order,color_transfer,avg_frame_rate:stream_side_data=rotation";
        Assert.Equal(picture, (await ProbeAsync(file, "-select_streams", "v:0", "-show_entries", facts))[0]);
        Assert.Equal(others, (await ProbeAsync(file, "-show_entries", "stream=codec_name"))[1..]);
    }

    /// <summary>What does not show in the list of streams.</summary>
    [Fact]
    public async Task What_a_sample_hides_is_there()
    {
        // The header's last byte (RFC 2083, section 4.1.1).
        Assert.Equal(1, (await File.ReadAllBytesAsync(Samples.PathOf("photo-interlaced.png"), Cancel))[28]);
        Assert.Contains("ANMF", await TextAsync("photo-animated.webp"), StringComparison.Ordinal);
        Assert.Contains("VP8L", await TextAsync("photo-lossless.webp"), StringComparison.Ordinal);
        Assert.Contains("irot", await TextAsync("photo-orientation-6.heic"), StringComparison.Ordinal);
        Assert.Contains("colrprof", await TextAsync("photo-display-p3.heic"), StringComparison.Ordinal);
        Assert.Contains("cICP\u000c\u000d\0\u0001", await TextAsync("photo-cicp.png"), StringComparison.Ordinal);
        Assert.Contains("gAMA", await TextAsync("photo-gamma.png"), StringComparison.Ordinal);
        Assert.Contains("colrnclx\0\u000c\0\u000d", await TextAsync("photo-p3-by-numbers.heic"), StringComparison.Ordinal);
        Assert.Contains("colrnclx\0\u0009\0\u0010", await TextAsync("photo-pq.heic"), StringComparison.Ordinal);
        Assert.Contains("colrnclx\0\u0009\0\u0012", await TextAsync("photo-hlg.avif"), StringComparison.Ordinal);
        Assert.Contains("prem\0\u0001\0\u0001\0\u0002", await TextAsync("photo-premultiplied.avif"), StringComparison.Ordinal);
        Assert.Contains("ftypmsf1", await TextAsync("photo-animated.heic"), StringComparison.Ordinal);
        Assert.Contains("auxl\0\u0004\0\u0002\0\u0001\0\u0005", await TextAsync("photo-tone-map.heic"), StringComparison.Ordinal);
        Assert.Contains("image: 96x64 (id=2), primary", await Tools.RunAsync("heif-info", Samples.PathOf("photo-second.heic")), StringComparison.Ordinal);
        Assert.Contains("alpha channel: yes", await Tools.RunAsync("heif-info", Samples.PathOf("photo-alpha.heic")), StringComparison.Ordinal);
        Assert.Contains("image: 96x64", await Tools.RunAsync("heif-info", Samples.PathOf("photo-orientation-6.heic")), StringComparison.Ordinal);
        Assert.Contains("thumbnail: ", await Tools.RunAsync("heif-info", Samples.PathOf("photo.heic")), StringComparison.Ordinal);
        Assert.Equal("Display P3", (await Tools.RunAsync("exiftool", "-s3", "-ICC_Profile:ProfileDescription", Samples.PathOf("photo-display-p3.jpg")))["CANARY-ICC ".Length..]);
        for (var orientation = 1; orientation <= 8; orientation++)
            Assert.Equal($"{orientation}", await Tools.RunAsync("exiftool", "-n", "-s3", "-IFD0:Orientation", Samples.PathOf($"photo-orientation-{orientation}.jpg")));

        Assert.Equal(["0.000000|0.100000", "0.100000|0.500000", "0.600000|0.100000", "0.700000|0.300000"], await ProbeAsync("photo-animated.gif", "-show_entries", "packet=pts_time,duration_time"));
        Assert.Equal(2, (await ProbeAsync("video-mp3.mkv", "-show_entries", "chapter=id")).Length);
        Assert.Equal(2, (await ProbeAsync("video-side-tracks.mp4", "-show_entries", "chapter=id")).Length);
        Assert.Equal(["0", "1"], await ProbeAsync("video-two-tracks.mp4", "-select_streams", "a", "-show_entries", "stream_disposition=default"));
        Assert.StartsWith("0.4", (await ProbeAsync("video-late-audio.mp4", "-select_streams", "a", "-show_entries", "stream=start_time"))[0], StringComparison.Ordinal);
        Assert.Equal(14, (await ProbeAsync("video-70s.mp4", "-select_streams", "v", "-skip_frame", "nokey", "-show_entries", "frame=pict_type")).Length);
        // Read as it lies there, the video is longer, and black at first.
        var uncut = await Tools.PixelsAsync(Samples.PathOf("video-edit-list.mp4"), 100, 100, "-ignore_editlist", "1");
        Assert.InRange(new Spot(0.1, 0.1, 0, 0, 0).DistanceTo(Samples.Corners[0].In(uncut, 100, 100)), 0, 10);
    }

    [Fact]
    public async Task Every_good_sample_carries_words_that_must_not_come_out()
    {
        foreach (var sample in Samples.All.Where(s => s.Code is null)) Assert.Contains("CANARY", await TextAsync(sample.File), StringComparison.Ordinal);
    }

    /// <summary>Where ffmpeg is no judge of colours (profiles, Exif) the renderer's tests are alone with them.</summary>
    [Fact]
    public async Task Every_video_shows_its_corners_upright()
    {
        var seen = 0;
        foreach (var sample in Samples.All.Where(s => s is { Lane: Lane.Video, Corners: CornerColors.Exact }))
        {
            var pixels = await Tools.PixelsAsync(Samples.PathOf(sample.File), 100, 100);
            foreach (var corner in Samples.Corners)
            {
                var found = corner.In(pixels, 100, 100);
                Assert.True(corner.DistanceTo(found) <= Samples.ToleranceOf(CornerColors.Exact), $"{sample.File}: {found} for {corner}");
            }
            seen++;
        }
        Assert.True(seen >= 25);
    }

    [Fact]
    public void Every_sample_is_expected_and_all_together_are_small()
    {
        string[] makers = ["README.md", "expected.json", "make-samples", "hand-made.mjs"];
        var files = new DirectoryInfo(Repository.Path("media-samples")).GetFiles().Where(file => !makers.Contains(file.Name)).ToList();
        Assert.Equal(Samples.All.Select(s => s.File).Order(StringComparer.Ordinal), files.Select(file => file.Name).Order(StringComparer.Ordinal));
        Assert.InRange(files.Sum(file => file.Length), 0, 2_000_000);
    }

    private static async Task<string> TextAsync(string file) => Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Samples.PathOf(file), Cancel));

    private static async Task<string[]> ProbeAsync(string file, params string[] arguments)
    {
        Assert.DoesNotContain(Path.GetExtension(file), BeyondProbe);
        return (await Tools.RunAsync("ffprobe", ["-v", "error", .. arguments, "-of", "compact=p=0:nk=1", Samples.PathOf(file)])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
