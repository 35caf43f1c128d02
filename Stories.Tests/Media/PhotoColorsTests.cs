using System.IO.Compression;
using NetVips;
using Stories.Worker.Rendering;
using static Stories.Tests.Media.HandMade;

namespace Stories.Tests.Media;

/// <summary>What a photo's numbers mean, if no profile says so.</summary>
public sealed class PhotoColorsTests
{
    private static readonly CodePoints P3 = new(12, 13), Pq = new(9, 16), Hlg = new(9, 18);
    private static readonly byte[] SomeProfile = new byte[200];

    private static CodePoints Unsaid => default;

    public PhotoColorsTests() => PhotoRendering.Prepare();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 13)]
    [InlineData(1, 2)]
    [InlineData(2, 13)]
    [InlineData(6, 6)]
    public void Ordinary_numbers_need_no_conversion(byte primaries, byte transfer)
    {
        Assert.Same(ColorSpace.Srgb, ColorSpace.Of(new CodePoints(primaries, transfer)));
        Assert.Null(PhotoColors.Of([], [], new CodePoints(primaries, transfer)));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(2, 2)]
    [InlineData(99, 99)]
    public void Numbers_that_say_nothing_decide_nothing(byte primaries, byte transfer)
    {
        Assert.Null(ColorSpace.Of(new CodePoints(primaries, transfer)));
        AssertSame(new CodePoints(1, 8), PhotoColors.Of(Png(Chunk("cICP", [primaries, transfer, 0, 1]), Chunk("gAMA", Large32(100_000))), [], Unsaid));
    }

    [Theory]
    [InlineData(CodePoints.PerceptualQuantizer)]
    [InlineData(CodePoints.HybridLogGamma)]
    public void High_dynamic_range_whose_primaries_are_not_said_has_those_of_BT_2020(byte transfer) =>
        AssertSame(new CodePoints(9, transfer), ColorSpace.Of(new CodePoints(2, transfer)));

    /// <summary>By the definitions of the primaries: what is the brightest green of sRGB is less than that in a wider gamut.</summary>
    [Theory]
    [InlineData(12, 117, 251, 76)]
    [InlineData(9, 155, 246, 84)]
    public void The_green_of_sRGB_is_found_in_a_wider_gamut(byte primaries, int red, int green, int blue) =>
        AssertNear([0, 255, 0], Converted(new CodePoints(primaries, 13), [red, green, blue]), 4);

    [Theory]
    [InlineData(12, 13)]
    [InlineData(9, 1)]
    [InlineData(1, 4)]
    [InlineData(1, 5)]
    [InlineData(1, 8)]
    public void White_grey_and_black_have_no_color_in_any_gamut(byte primaries, byte transfer)
    {
        Assert.Equal([255, 255, 255], Converted(new CodePoints(primaries, transfer), [255, 255, 255]));
        Assert.Equal([0, 0, 0], Converted(new CodePoints(primaries, transfer), [0, 0, 0]));
        var grey = Converted(new CodePoints(primaries, transfer), [100, 100, 100]);
        AssertNear([grey[0], grey[0], grey[0]], grey, 1);
    }

    [Fact]
    public void Light_as_it_is_becomes_the_curve_of_sRGB() => AssertNear([188, 188, 188], Converted(new CodePoints(1, 8), [128, 128, 128]), 1);

    /// <summary>BT.2408: paper is at 58 % and 75 %. Half its light stays, more is pressed together, a screen's brightest is white, and nothing goes the other way.</summary>
    [Theory]
    [InlineData(CodePoints.PerceptualQuantizer, 0.51, 0.581, 0.752)]
    [InlineData(CodePoints.HybridLogGamma, 0.632, 0.75, 1)]
    public void High_dynamic_range_is_tone_mapped_as_in_videos(byte transfer, double half, double paper, double brightest)
    {
        var space = new CodePoints(9, transfer);
        Assert.InRange(Grey(half), 185, 191);
        Assert.InRange(Grey(paper), 215, 235);
        Assert.InRange(Grey(brightest), 252, 255);
        var all = Enumerable.Range(0, 101).Select(percent => Grey(percent / 100.0)).ToList();
        Assert.Equal(all.Order(), all);
        Assert.Equal((0, 255), (all[0], all[^1]));

        int Grey(double value) => Converted(space, [.. Enumerable.Repeat((int)Math.Round(value * 65535), 3)], Enums.BandFormat.Ushort)[0];
    }

    [Fact]
    public void A_grey_picture_has_its_curve_as_well()
    {
        using var grey = Image.Black(1, 1) + 128;
        using var narrow = grey.Cast(Enums.BandFormat.Uchar);
        using var named = narrow.Copy(interpretation: Enums.Interpretation.Bw);
        using var converted = ColorSpace.Of(new CodePoints(1, 8))!.ToSrgb(named);
        AssertNear([188, 188, 188], [.. converted[0, 0].Select(v => (int)v)], 1);
    }

    [Theory]
    [InlineData(Enums.BandFormat.Uchar, 255)]
    [InlineData(Enums.BandFormat.Ushort, 65535)]
    public void What_is_clear_stays_as_clear_as_it_was(Enums.BandFormat format, int whole)
    {
        using var picture = Picture([whole, 0, 0, whole * 2 / 5], format);
        using var converted = ColorSpace.Of(P3)!.ToSrgb(picture);
        Assert.Equal((4, 102), (converted.Bands, (int)converted[0, 0][3]));
    }

    [Fact]
    public void A_profile_comes_before_numbers_unless_these_say_high_dynamic_range()
    {
        Assert.NotNull(PhotoColors.Of([], [], P3));
        Assert.Null(PhotoColors.Of([], SomeProfile, P3));
        Assert.Null(PhotoColors.Of([], SomeProfile, Unsaid));
        AssertSame(Pq, PhotoColors.Of([], SomeProfile, Pq));
        AssertSame(Hlg, PhotoColors.Of([], ProfileWith(9, 18), P3));
        Assert.Null(PhotoColors.Of([], ProfileWith(12, 13), Unsaid));
        Assert.Null(PhotoColors.Of([], ProfileWith(9, 18).AsSpan(..^10), Unsaid));
    }

    [Fact]
    public void In_a_PNG_numbers_come_before_a_profile_and_that_before_gamma_and_primaries()
    {
        var (numbers, gamma, places) = (Chunk("cICP", [12, 13, 0, 1]), Chunk("gAMA", Large32(100_000)), Chunk("cHRM", Large32(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)));
        AssertSame(P3, PhotoColors.Of(Png(numbers, gamma), SomeProfile, Unsaid));
        AssertSame(P3, PhotoColors.Of(Png(Chunk("gAMA", Large32(45_455)), places), [], Unsaid));
        AssertSame(new CodePoints(1, 8), PhotoColors.Of(Png(gamma), [], Unsaid));
        Assert.Null(PhotoColors.Of(Png(gamma, places), SomeProfile, Unsaid));
        Assert.Null(PhotoColors.Of(Png(Chunk("sRGB", [0]), gamma, places), [], Unsaid));
        Assert.Null(PhotoColors.Of(Png(Chunk("IDAT", [0]), numbers), [], Unsaid));
        Assert.Null(PhotoColors.Of(Png(numbers).AsSpan(1), [], Unsaid));
        // One that says sRGB is followed too, and one of a kind that PNG does not have is passed over.
        Assert.Same(ColorSpace.Srgb, PhotoColors.Of(Png(Chunk("cICP", [1, 13, 0, 1])), SomeProfile, Unsaid));
        Assert.Null(PhotoColors.Of(Png(Chunk("cICP", [12, 13, 0, 0])), [], Unsaid));
        Assert.Null(PhotoColors.Of(Png(Chunk("cICP", [12, 13])), [], Unsaid));
    }

    /// <summary>As many programs write it without thinking, for sRGB.</summary>
    [Theory]
    [InlineData(45_455)]
    [InlineData(45_000)]
    [InlineData(0)]
    public void The_usual_gamma_is_taken_for_sRGB(int gamma) =>
        Assert.Null(PhotoColors.Of(Png(Chunk("gAMA", Large32(gamma)), Chunk("cHRM", Large32(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))), [], Unsaid));

    [Theory]
    [InlineData(0, 0, 0, 0, 0, 0, 0, 0)]
    [InlineData(31270, 32900, 64000, 33000, 64000, 33000, 64000, 33000)]
    [InlineData(31270, 0, 64000, 33000, 30000, 60000, 15000, 6000)]
    [InlineData(31270, 32900, 64000, 33000, 30000, 60000)]
    public void Primaries_between_which_there_is_nothing_are_passed_over(params int[] places)
    {
        var spoiled = Chunk("cHRM", Large32(places.Select(p => (long)p)));
        Assert.Null(PhotoColors.Of(Png(spoiled), [], Unsaid));
        AssertSame(new CodePoints(1, 8), PhotoColors.Of(Png(spoiled, Chunk("gAMA", Large32(100_000))), [], Unsaid));
    }

    /// <summary>Sixteen bits are looked at before they become eight: in the dark of numbers for light a single one of eight is a step to be seen.</summary>
    [Fact]
    public void A_deep_ramp_has_no_steps()
    {
        var ramp = Png(200, 8, 2, (x, _) => Large16(x * 7, x * 7, x * 7), Chunk("gAMA", Large32(100_000)));
        using var rendered = Image.NewFromBuffer(PhotoRendering.Render(ramp, new PhotoLimits(100_000, 1000, 1), new PhotoOrder()).Photos[0].Bytes);
        var greys = Enumerable.Range(0, 200).Select(x => rendered[x, 4][1]).ToList();
        Assert.InRange(greys[^1], 38, 46);
        Assert.InRange(greys.Distinct().Count(), 20, 60);
    }

    /// <summary>BT.2100 by hand: red of BT.709 at half of paper's light, which is 0.61, 0.24 and 0.16 in hybrid log-gamma.</summary>
    [Fact]
    public void A_color_in_hybrid_log_gamma_stays_that_color() =>
        AssertNear([200, 30, 30], Converted(Hlg, [(int)(0.6135 * 65535), (int)(0.2402 * 65535), (int)(0.1568 * 65535)], Enums.BandFormat.Ushort), 5);

    [Fact]
    public void High_dynamic_range_with_an_alpha_channel_keeps_it()
    {
        var photo = Png(8, 8, 6, (_, y) => Large16(33_000, 33_000, 33_000, y < 4 ? 0 : 65_535), Chunk("cICP", [9, 16, 0, 1]));
        using var rendered = Image.NewFromBuffer(PhotoRendering.Render(photo, new PhotoLimits(100_000, 1000, 1), new PhotoOrder()).Photos[0].Bytes);
        Assert.Equal((0, 255), ((int)rendered[4, 1][3], (int)rendered[4, 6][3]));
        Assert.InRange(rendered[4, 6][1], 180, 195);
    }

    [Fact]
    public void A_spoiled_file_is_read_or_passed_over()
    {
        var whole = Png(Chunk("cICP", [12, 13, 0, 1]), Chunk("gAMA", Large32(100_000)), Chunk("cHRM", Large32(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)));
        var profile = ProfileWith(9, 16);
        var found = 0;
        for (var seed = 1u; seed <= 1000; seed++)
        {
            var mutator = new Mutator(seed);
            if (PhotoColors.Of(mutator.Mutate(whole, whole), mutator.Mutate(profile, whole), Unsaid) is not { } space) continue;
            using var picture = Picture([10, 200, 30], Enums.BandFormat.Uchar);
            using var converted = space.ToSrgb(picture);
            Assert.Equal(3, converted.Bands);
            found++;
        }
        Assert.InRange(found, 100, 1000);
    }

    private static int[] Converted(CodePoints said, int[] color, Enums.BandFormat format = Enums.BandFormat.Uchar)
    {
        using var picture = Picture(color, format);
        using var converted = ColorSpace.Of(said)!.ToSrgb(picture);
        Assert.Equal((Enums.Interpretation.Srgb, Enums.BandFormat.Uchar), (converted.Interpretation, converted.Format));
        return [.. converted[0, 0].Select(v => (int)v)];
    }

    private static Image Picture(int[] color, Enums.BandFormat format)
    {
        using var black = Image.Black(1, 1);
        using var cast = black.Cast(format);
        using var filled = cast.NewFromImage([.. color.Select(v => (double)v)]);
        return filled.Copy(interpretation: format == Enums.BandFormat.Uchar ? Enums.Interpretation.Srgb : Enums.Interpretation.Rgb16);
    }

    private static void AssertNear(int[] expected, int[] found, int tolerance) =>
        Assert.All(expected.Zip(found), pair => Assert.InRange(pair.Second, pair.First - tolerance, pair.First + tolerance));

    /// <summary>By what both make of a few colours.</summary>
    private static void AssertSame(CodePoints expected, ColorSpace? found)
    {
        Assert.NotNull(found);
        foreach (int[] color in new[] { [128, 128, 128], [200, 30, 30], new[] { 60, 200, 90 } })
        {
            using var picture = Picture(color, Enums.BandFormat.Uchar);
            using var converted = found.ToSrgb(picture);
            AssertNear(Converted(expected, color), [.. converted[0, 0].Select(v => (int)v)], 1);
        }
    }

    private static byte[] Png(params byte[][] chunks) => HandMade.Png(1, 1, depth: 8, type: 2, [], chunks);

    /// <summary>Of sixteen bits.</summary>
    /// <param name="type">2 of three channels, 6 of four.</param>
    private static byte[] Png(int width, int height, byte type, Func<int, int, byte[]> pixel, byte[] chunk)
    {
        using var packed = new MemoryStream();
        using (var packer = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            for (var y = 0; y < height; y++) packer.Write(Join([0], Join(Enumerable.Range(0, width).Select(x => pixel(x, y)))));
        return HandMade.Png(width, height, depth: 16, type, packed.ToArray(), chunk);
    }

    /// <summary>ICC.1:2022, section 9.2.17; nothing else of a profile is in it.</summary>
    private static byte[] ProfileWith(byte primaries, byte transfer) =>
        Join(new byte[128], Large32(1), Text("cicp"), Large32(144, 12), Text("cicp"), Large32(0), [primaries, transfer, 0, 1]);
}
