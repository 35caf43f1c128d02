using CsCheck;
using Stories.Core.Media;

namespace Stories.Tests.Media;

public sealed class VideoPlanTests
{
    private static readonly AudioFacts Sound = new("aac", "LC", 48_000, 2);

    private static readonly VideoFacts Compliant = new(
        "h264", "High", 31, "yuv420p", 720, 1280, Rotation: 0, PixelAspect: 1, IsProgressive: true, IsHighDynamicRange: false, FramesPerSecond: 30,
        TimeSpan.FromSeconds(10), Streams: 2, Sound, Bytes: 4_000_000);

    private static readonly Dictionary<string, (string? Reason, VideoFacts Facts)> Cases = new()
    {
        ["as it should be"] = (null, Compliant),
        ["no sound"] = (null, Compliant with { Audio = null }),
        ["one channel"] = (null, Compliant with { Audio = Sound with { Channels = 1 } }),
        ["full high definition"] = (null, Compliant with { Width = 1920, Height = 1080, Level = 42 }),
        ["another codec"] = ("codec", Compliant with { Codec = "hevc" }),
        ["4:4:4 profile"] = ("profile", Compliant with { Profile = "High 4:4:4 Predictive" }),
        ["extended profile"] = ("profile", Compliant with { Profile = "Extended" }),
        ["level too high"] = ("level", Compliant with { Level = 51 }),
        ["no level"] = ("level", Compliant with { Level = -99 }),
        ["4:2:2"] = ("pixel format", Compliant with { PixelFormat = "yuv422p" }),
        ["10 bit"] = ("pixel format", Compliant with { PixelFormat = "yuv420p10le" }),
        ["full range"] = ("pixel format", Compliant with { PixelFormat = "yuvj420p" }),
        ["interlaced"] = ("interlaced", Compliant with { IsProgressive = false }),
        ["HDR"] = ("dynamic range", Compliant with { IsHighDynamicRange = true }),
        ["anamorphic"] = ("pixel shape", Compliant with { PixelAspect = 4 / 3.0 }),
        ["turned"] = ("rotation", Compliant with { Rotation = 90 }),
        ["upside down"] = ("rotation", Compliant with { Rotation = 180 }),
        ["4K"] = ("size", Compliant with { Width = 3840, Height = 2160 }),
        ["very wide"] = ("size", Compliant with { Width = 2000, Height = 500 }),
        ["odd"] = ("odd size", Compliant with { Width = 721 }),
        ["slow motion"] = ("frame rate", Compliant with { FramesPerSecond = 120 }),
        ["huge"] = ("bit rate", Compliant with { Bytes = 20_000_000 }),
        ["MP3"] = ("audio", Compliant with { Audio = Sound with { Codec = "mp3" } }),
        ["HE-AAC"] = ("audio", Compliant with { Audio = Sound with { Profile = "HE-AAC" } }),
        ["surround"] = ("audio", Compliant with { Audio = Sound with { Channels = 6 } }),
        ["96 kHz"] = ("audio", Compliant with { Audio = Sound with { SampleRate = 96_000 } }),
    };

    public static TheoryData<string> Names => new(Cases.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_source_complies_or_is_named_a_reason(string name)
    {
        var (reason, facts) = Cases[name];
        Assert.Equal(reason, VideoPlan.Incompliance(facts));
        Assert.Equal(reason is null, VideoPlan.For(facts).Remux);
    }

    [Fact]
    public void Every_reason_has_a_case()
    {
        string[] reasons = ["codec", "profile", "level", "pixel format", "interlaced", "dynamic range", "pixel shape", "rotation", "size", "odd size", "frame rate", "bit rate", "audio"];
        Assert.Equal(reasons.Order(), Cases.Values.Select(c => c.Reason).OfType<string>().Distinct().Order());
    }

    [Theory]
    [InlineData(720, 1280, 0, "video-480 480x854")]
    [InlineData(1080, 1920, 0, "video-720 720x1280, video-480 480x854")]
    [InlineData(480, 854, 0, "")]
    [InlineData(1280, 720, 90, "video-720 720x1280, video-480 480x854")]
    [InlineData(1280, 720, 180, "video-720 1280x720, video-480 854x480")]
    [InlineData(640, 480, 270, "video-480 480x640")]
    [InlineData(639, 479, 0, "video-478 638x478")]
    [InlineData(3840, 2160, 0, "video-720 1280x720, video-480 854x480")]
    [InlineData(4096, 100, 90, "video-100 100x4096")]
    public void Rungs_follow_the_short_side_as_shown(int width, int height, int rotation, string rungs) =>
        Assert.Equal(rungs, string.Join(", ", VideoPlan.For(Compliant with { Width = width, Height = height, Rotation = rotation }).Rungs.Select(r => $"{r.Name} {r.Width}x{r.Height}")));

    [Fact]
    public void Whatever_comes_in_rungs_are_even_never_larger_and_at_most_thirty_frames_a_second() =>
        Gen.Select(Gen.Int[2, 4096], Gen.Int[2, 4096], Gen.Int[0, 3], Gen.Double[0.25, 4], Gen.Double[1, 240]).Sample((width, height, turns, pixels, rate) =>
        {
            var facts = Compliant with { Width = width, Height = height, Rotation = turns * 90, PixelAspect = pixels, FramesPerSecond = rate };
            var plan = VideoPlan.For(facts);
            Assert.True(plan.Remux || plan.Rungs.Count > 0);
            Assert.All([.. plan.Rungs, plan.Poster], rung =>
            {
                Assert.Equal((0, 0), (rung.Width % 2, rung.Height % 2));
                // Rounding to even may add one.
                Assert.True(rung.Width <= facts.ShownWidth + 1 && rung.Height <= facts.ShownHeight + 1);
            });
            Assert.True(plan.FramesPerSecond <= 30);
        }, iter: 500, seed: "0000000000000");

    [Theory]
    [InlineData(60.0, null)]
    [InlineData(60.4, null)]
    [InlineData(61.0, MediaCodes.TooLong)]
    public void A_minute_may_end_a_little_late(double seconds, string? code) =>
        Assert.Equal(code, (Compliant with { Duration = TimeSpan.FromSeconds(seconds) }).Refusal(new MediaOptions()));
}
