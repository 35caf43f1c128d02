using Stories.Core.Media;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

public sealed class MediaKindTests
{
    [Theory]
    [InlineData("ffd8ffe000104a464946", MediaKind.Jpeg)]
    [InlineData("ffd8ffe1", MediaKind.Jpeg)]
    [InlineData("89504e470d0a1a0a0000000d49484452", MediaKind.Png)]
    [InlineData("524946460000000057454250565038", MediaKind.WebP)]
    [InlineData("00000018667479706d703432", MediaKind.Mp4)]
    [InlineData("00000014667479707174202000", MediaKind.Mp4)]
    [InlineData("0000001c6674797069736f6d", MediaKind.Mp4)]
    [InlineData("000000146674797033677034", MediaKind.Mp4)] // 3GP
    [InlineData("00000008776964650000a0006d646174", MediaKind.Mp4)] // QuickTime of before there were brands
    [InlineData("000000186674797068656963", MediaKind.Heic)]
    [InlineData("000000186674797061766966", MediaKind.Avif)]
    [InlineData("0000001c667479706d69663100000000" + "6d696631" + "68656963", MediaKind.Heic)] // "mif1" first
    [InlineData("0000001c667479706d69663100000000" + "6d696166" + "61766966", MediaKind.Avif)]
    [InlineData("0000001c667479706d69663100000000" + "69736f38" + "6d696631" + "68656963", MediaKind.Heic)] // "iso8" before it
    [InlineData("00000018667479706d69663100000000" + "69736f38" + "6d696631" + "68656963", MediaKind.Mp4)] // the last is behind the box
    [InlineData("0000001c667479706d73663100000000" + "6d696631" + "69736f38" + "68656963", MediaKind.ImageSequence)]
    [InlineData("00000014667479706176697300000000" + "61766966", MediaKind.ImageSequence)]
    [InlineData("000000146674797068657663" + "00000000" + "68656963", MediaKind.ImageSequence)]
    [InlineData("00000018667479706d69663100000000" + "69736f38" + "61766973", MediaKind.ImageSequence)]
    [InlineData("000000146674797068656963" + "00000000" + "68657663", MediaKind.Heic)] // a picture first, and a sequence too
    [InlineData("00000018667479706d69663100000000" + "69736f38" + "61766966", MediaKind.Avif)]
    [InlineData("00000018667479706d69663100000000" + "6d696631" + "6d696166", MediaKind.Unknown)] // of any codec
    [InlineData("0000001c6674797069736f6d00000000" + "6d696631" + "68656963", MediaKind.Mp4)] // a video first, and pictures too
    [InlineData("000000186674797058415643" + "00000000" + "6d703432" + "69736f32", MediaKind.Mp4)] // "XAVC" of a camera
    [InlineData("00000014667479706d69663100000000" + "6d696166" + "68656963", MediaKind.Unknown)] // what stands behind the box is no brand
    [InlineData("00000014667479706a70322000000000" + "6a703220", MediaKind.Unknown)] // JPEG 2000
    [InlineData("52494646000000004156492020", MediaKind.Unknown)] // AVI
    [InlineData("474946383961", MediaKind.Gif)]
    [InlineData("474946383761", MediaKind.Gif)]
    [InlineData("1a45dfa3", MediaKind.Matroska)]
    [InlineData("49492a00", MediaKind.Unknown)] // TIFF
    [InlineData("3c73766720", MediaKind.Unknown)] // SVG
    [InlineData("255044462d", MediaKind.Unknown)] // PDF
    [InlineData("234558544d3355", MediaKind.Unknown)] // HLS
    [InlineData("6666636f6e636174", MediaKind.Unknown)] // ffconcat
    [InlineData("504b0304", MediaKind.Unknown)] // ZIP
    [InlineData("ffd8", MediaKind.Unknown)]
    [InlineData("", MediaKind.Unknown)]
    public void A_file_is_what_its_first_bytes_say(string start, MediaKind kind) => Assert.Equal(kind, MediaKinds.Sniff(Convert.FromHexString(start)));

    [Fact]
    public void Every_good_sample_is_known_and_in_its_lane()
    {
        foreach (var sample in Samples.All.Where(s => s.Code is null))
            Assert.Equal(sample.Lane, MediaKinds.LaneOf(MediaKinds.Sniff(File.ReadAllBytes(Samples.PathOf(sample.File)).AsSpan(0, MediaKinds.SniffBytes))));
    }

    [Fact]
    public void Every_kind_but_the_unknown_has_a_lane()
    {
        foreach (var kind in Enum.GetValues<MediaKind>()) Assert.Equal(kind == MediaKind.Unknown, MediaKinds.LaneOf(kind) is null);
        Assert.Equal(Lane.Video, MediaKinds.LaneOf(MediaKind.Mp4));
    }
}
