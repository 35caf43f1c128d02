using System.Globalization;
using NetVips;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>What a person sees and hears of a sample once it is rendered: upright, in its colours, with the right sound.</summary>
public sealed class RenderedSampleTests
{
    private const int Side = 100;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> WithCorners => new(Samples.All.Where(s => s is { Code: null, Corners: not null }).Select(s => s.File));

    public static TheoryData<string> WithTone => new(Samples.All.Where(s => s is { Code: null, Tone: not null }).Select(s => s.File));

    [Theory]
    [MemberData(nameof(WithCorners))]
    public async Task Every_rendition_shows_the_samples_corners_in_their_places_and_colors(string file)
    {
        var sample = Samples.Of(file);
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(Samples.PathOf(file), sample.Lane, Cancel);
        Assert.NotEmpty(outcome.All);
        foreach (var rendition in outcome.All)
        {
            var pixels = await rig.KeepAsync(rendition, path => Tools.PixelsAsync(path, Side, Side));
            foreach (var corner in Samples.Corners)
            {
                var found = corner.In(pixels, Side, Side);
                Assert.True(corner.DistanceTo(found) <= Samples.ToleranceOf(sample.Corners!.Value), $"{rendition.File.Name}: {found} for {corner}");
            }
        }
    }

    [Fact]
    public async Task What_is_clear_in_a_HEIC_stays_clear_and_is_turned_with_it()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        foreach (var rendition in (await rig.RenderAsync(Samples.PathOf("photo-alpha.heic"), Lane.Photo, Cancel)).All)
        {
            using var picture = Image.NewFromBuffer(rendition.Bytes);
            Assert.True(picture.HasAlpha());
            Assert.InRange(picture[48, 9][3], 0, 5);
            Assert.InRange(picture[48, 54][3], 250, 255);
            Assert.InRange(picture[9, 32][3], 250, 255);
        }
    }

    [Fact]
    public async Task Colors_that_were_multiplied_by_the_alpha_channel_are_divided_by_it()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        foreach (var rendition in (await rig.RenderAsync(Samples.PathOf("photo-premultiplied.avif"), Lane.Photo, Cancel)).All)
        {
            using var picture = Image.NewFromBuffer(rendition.Bytes);
            using var colors = picture.ExtractBand(0, n: 3);
            var pixels = colors.WriteToMemory<byte>();
            foreach (var corner in Samples.Corners)
            {
                var found = corner.In(pixels, picture.Width, picture.Height);
                Assert.True(corner.DistanceTo(found) <= Samples.ToleranceOf(CornerColors.Exact), $"{rendition.File.Name}: {found} for {corner}");
            }
            Assert.InRange(picture[24, 8][3], 124, 132);
            Assert.InRange(picture[24, 56][3], 250, 255);
        }
    }

    /// <summary>Who cuts off the beginning of a video on the phone does not post it: the phone leaves it in the file, unplayed.</summary>
    [Fact]
    public async Task What_an_edit_list_cut_off_is_in_no_rendition()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(Samples.PathOf("video-edit-list.mp4"), Lane.Video, Cancel);
        var corner = Samples.Corners[0];
        foreach (var rendition in outcome.All)
        {
            string[] everything = rendition.File.Codecs is null ? [] : ["-ignore_editlist", "1"];
            var pixels = await rig.KeepAsync(rendition, path => Tools.PixelsAsync(path, Side, Side, everything));
            Assert.InRange(corner.DistanceTo(corner.In(pixels, Side, Side)), 0, Samples.ToleranceOf(CornerColors.ToneMapped));
            if (rendition.File.Codecs is null) continue;
            var length = await rig.KeepAsync(rendition, path => Tools.RunAsync("ffprobe", "-v", "error", "-ignore_editlist", "1", "-show_entries", "format=duration", "-of", "csv=p=0", path));
            Assert.InRange(double.Parse(length, CultureInfo.InvariantCulture), 0.9, 1.15);
        }
    }

    [Theory]
    [MemberData(nameof(WithTone))]
    public async Task The_sound_that_counts_is_the_one_that_is_heard(string file)
    {
        var sample = Samples.Of(file);
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(Samples.PathOf(file), sample.Lane, Cancel);
        var videos = outcome.All.Where(r => r.File.Codecs is not null).ToList();
        Assert.NotEmpty(videos);
        foreach (var video in videos)
        {
            // A pure tone crosses zero twice in each period; the middle of the last second is past every fade and late start.
            var crossings = await rig.KeepAsync(video, path => Tools.RunAsync("ffmpeg", "-nostdin", "-v", "error", "-ss", "0.7", "-t", "0.2", "-i", path,
                "-af", "astats=metadata=1:reset=0,ametadata=print:key=lavfi.astats.Overall.Zero_crossings_rate:file=-,ametadata=print:key=lavfi.astats.1.Zero_crossings_rate:file=-", "-f", "null", "-"));
            var rate = double.Parse(crossings.Split('\n').Last(line => line.Contains("Zero_crossings_rate=", StringComparison.Ordinal)).Split('=')[1], CultureInfo.InvariantCulture);
            var sampling = double.Parse(await rig.KeepAsync(video, path => Tools.RunAsync("ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=sample_rate", "-of", "csv=p=0", path)), CultureInfo.InvariantCulture);
            Assert.InRange(rate * sampling / 2, sample.Tone!.Value * 0.9, sample.Tone.Value * 1.1);
        }
    }
}
