using CsCheck;
using Stories.Core.Media;
using Stories.Protocol.Contracts;

namespace Stories.Tests.Media;

public sealed class VideoPlanTests
{
    private static readonly MediaOptions Limits = new();

    private static readonly AudioFacts Sound = new(1, "aac", "LC", 48_000, 2, Loudness: -16.5);

    private static readonly VideoFacts Compliant = new(
        0, "h264", "High", 31, "yuv420p", 720, 1280, Rotation: 0, PixelAspect: 1, IsProgressive: true, DynamicRange.Standard, Gamut.Standard, ColorTags.All,
        FramesPerSecond: 30, IsSteady: true, TimeSpan.FromSeconds(10), Streams: 2, Sound, Bytes: 4_000_000);

    private static readonly Dictionary<string, (string? Reason, VideoFacts Facts)> Cases = new()
    {
        ["as it should be"] = (null, Compliant),
        ["full high definition"] = (null, Compliant with { Width = 1920, Height = 1080, Level = 42 }),
        ["baseline, as Android writes it"] = (null, Compliant with { Profile = "Baseline" }),
        ["another codec"] = ("codec", Compliant with { Codec = "hevc" }),
        ["4:4:4 profile"] = ("profile", Compliant with { Profile = "High 4:4:4 Predictive" }),
        ["extended profile"] = ("profile", Compliant with { Profile = "Extended" }),
        ["level too high"] = ("level", Compliant with { Level = 51 }),
        ["no level"] = ("level", Compliant with { Level = -99 }),
        ["4:2:2"] = ("pixel format", Compliant with { PixelFormat = "yuv422p" }),
        ["10 bit"] = ("pixel format", Compliant with { PixelFormat = "yuv420p10le" }),
        ["full range"] = ("pixel format", Compliant with { PixelFormat = "yuvj420p" }),
        ["interlaced"] = ("interlaced", Compliant with { IsProgressive = false }),
        ["HLG"] = ("dynamic range", Compliant with { Range = DynamicRange.Hlg }),
        ["PQ"] = ("dynamic range", Compliant with { Range = DynamicRange.Pq }),
        ["wide gamut"] = ("gamut", Compliant with { Gamut = Gamut.DisplayP3 }),
        ["anamorphic"] = ("pixel shape", Compliant with { PixelAspect = 4 / 3.0 }),
        ["turned"] = ("rotation", Compliant with { Rotation = 90 }),
        ["upside down"] = ("rotation", Compliant with { Rotation = 180 }),
        ["mirrored"] = ("rotation", Compliant with { IsDistorted = true }),
        ["a few frames late"] = (null, Compliant with { LateBy = TimeSpan.FromMilliseconds(80) }),
        ["late"] = ("late", Compliant with { LateBy = TimeSpan.FromSeconds(0.4) }),
        ["4K"] = ("size", Compliant with { Width = 3840, Height = 2160 }),
        ["very wide"] = ("size", Compliant with { Width = 2000, Height = 500 }),
        ["odd"] = ("odd size", Compliant with { Width = 721 }),
        ["slow motion"] = ("frame rate", Compliant with { FramesPerSecond = 120 }),
        ["trimmed by an edit list"] = ("trimmed", Compliant with { IsTrimmed = true }),
        ["huge"] = ("bit rate", Compliant with { Bytes = 20_000_000 }),
        ["cut where pictures need those before"] = ("beginning", Compliant with { BeginsAnew = false }),
    };

    private static readonly Dictionary<string, (string? Reason, AudioFacts Facts)> SoundCases = new()
    {
        ["as it should be"] = (null, Sound),
        ["one channel"] = (null, Sound with { Channels = 1 }),
        ["silent"] = (null, Sound with { Loudness = null }),
        ["a few frames late"] = (null, Sound with { LateBy = TimeSpan.FromMilliseconds(80) }),
        ["MP3"] = ("codec", Sound with { Codec = "mp3" }),
        ["HE-AAC"] = ("profile", Sound with { Profile = "HE-AAC" }),
        ["surround"] = ("channels", Sound with { Channels = 6 }),
        ["no channels"] = ("channels", Sound with { Channels = 0 }),
        ["96 kHz"] = ("sample rate", Sound with { SampleRate = 96_000 }),
        ["no rate"] = ("sample rate", Sound with { SampleRate = 0 }),
        ["trimmed by an edit list"] = ("trimmed", Sound with { IsTrimmed = true }),
        ["a little early"] = (null, Sound with { Gap = TimeSpan.FromSeconds(0.4) }),
        ["with a gap"] = ("gap", Sound with { Gap = TimeSpan.FromSeconds(2) }),
        ["late"] = ("late", Sound with { LateBy = TimeSpan.FromSeconds(0.5) }),
        ["quiet"] = ("loudness", Sound with { Loudness = -30 }),
        ["loud"] = ("loudness", Sound with { Loudness = -9 }),
    };

    public static TheoryData<string> SoundNames => new(SoundCases.Keys);

    public static TheoryData<string> Names => new(Cases.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_source_complies_or_is_named_a_reason(string name)
    {
        var (reason, facts) = Cases[name];
        Assert.Equal(reason, VideoPlan.PictureIncompliance(facts));
        Assert.Equal(reason is null, Plan(facts).KeepsPicture);
    }

    [Theory]
    [MemberData(nameof(SoundNames))]
    public void Sound_complies_or_is_named_a_reason(string name)
    {
        var (reason, facts) = SoundCases[name];
        Assert.Equal(reason, VideoPlan.SoundIncompliance(facts));
        Assert.Equal(reason is null, Plan(Compliant with { Audio = facts }).Sound!.IsKept);
        // A picture is kept whatever its sound is.
        Assert.True(Plan(Compliant with { Audio = facts }).KeepsPicture);
    }

    [Theory]
    [InlineData(-30.0, 14)]
    [InlineData(-9.0, -7)]
    [InlineData(-59.0, 30)]
    [InlineData(18.0, -30)]
    [InlineData(null, 0)]
    public void Sound_comes_to_minus_sixteen_LUFS_within_reason(double? loudness, double gain) =>
        Assert.Equal(gain, Plan(Compliant with { Audio = Sound with { Codec = "opus", Loudness = loudness } }).Sound!.Gain);

    [Fact]
    public void Every_reason_has_a_case()
    {
        string[] reasons = ["codec", "profile", "level", "pixel format", "interlaced", "dynamic range", "pixel shape", "rotation", "size", "odd size", "frame rate", "bit rate", "gamut", "trimmed", "late", "beginning"];
        Assert.Equal(reasons.Order(), Cases.Values.Select(c => c.Reason).OfType<string>().Distinct().Order());
        Assert.Equal(["channels", "codec", "gap", "late", "loudness", "profile", "sample rate", "trimmed"], SoundCases.Values.Select(c => c.Reason).OfType<string>().Distinct().Order());
    }

    [Theory]
    [InlineData(720, 1280, 0, "video-480 480x854, video-240 240x426")]
    [InlineData(1080, 1920, 0, "video-720 720x1280, video-480 480x854, video-240 240x426")]
    [InlineData(480, 854, 0, "video-240 240x428")]
    [InlineData(1280, 720, 90, "video-720 720x1280, video-480 480x854, video-240 240x426")]
    [InlineData(1280, 720, 180, "video-720 1280x720, video-480 854x480, video-240 426x240")]
    [InlineData(640, 480, 270, "video-480 480x640, video-240 240x320")]
    [InlineData(239, 179, 0, "video-178 238x178")]
    [InlineData(240, 240, 0, "")]
    [InlineData(768, 432, 180, "video-432 768x432, video-240 426x240")]
    [InlineData(961, 541, 0, "video-480 852x480, video-240 426x240")]
    [InlineData(1153, 641, 0, "video-640 1152x640, video-480 864x480, video-240 432x240")]
    [InlineData(3840, 2160, 0, "video-1080 1920x1080, video-720 1280x720, video-480 854x480, video-240 426x240")]
    [InlineData(4096, 100, 90, "video-100 100x4096")]
    public void Rungs_follow_the_short_side_as_shown(int width, int height, int rotation, string rungs) =>
        Assert.Equal(rungs, string.Join(", ", Plan(Compliant with { Width = width, Height = height, Rotation = rotation }).Rungs.Select(r => $"{r.Name} {r.Width}x{r.Height}")));

    [Fact]
    public void Whatever_comes_in_rungs_are_even_never_larger_and_at_most_thirty_frames_a_second() =>
        Gen.Select(Gen.Int[2, 4096], Gen.Int[2, 4096], Gen.Int[0, 3], Gen.Double[0.25, 4], Gen.Double[1, 240]).Sample((width, height, turns, pixels, rate) =>
        {
            var facts = Compliant with { Width = width, Height = height, Rotation = turns * 90, PixelAspect = pixels, FramesPerSecond = rate };
            var plan = Plan(facts);
            Assert.True(plan.KeepsPicture || plan.Rungs.Count > 0);
            Assert.All([.. plan.Rungs, plan.Poster], rung =>
            {
                Assert.Equal((0, 0), (rung.Width % 2, rung.Height % 2));
                // Rounding to even may add one.
                Assert.True(rung.Width <= facts.ShownWidth + 1 && rung.Height <= facts.ShownHeight + 1);
            });
            Assert.True((plan.FramesPerSecond ?? facts.FramesPerSecond) <= 30.02);
        }, iter: 500, seed: "0000000000000");

    [Theory]
    [InlineData(60.0, null)]
    [InlineData(60.4, null)]
    [InlineData(61.0, MediaCodes.TooLong)]
    public void A_minute_may_end_a_little_late(double seconds, string? code) =>
        Assert.Equal(code, (Compliant with { Duration = TimeSpan.FromSeconds(seconds) }).Refusal(new MediaOptions()));

    [Theory]
    [InlineData(24, true, 30, null)]
    [InlineData(30, true, 30, null)]
    [InlineData(50, true, 30, 25.0)]
    [InlineData(60, true, 30, 30.0)]
    [InlineData(240, true, 30, 30.0)]
    [InlineData(60, true, 60, null)]
    [InlineData(120, true, 60, 60.0)]
    [InlineData(24, false, 30, 30.0)]
    public void A_steady_rate_is_kept_or_divided_and_any_other_made_steady(double rate, bool isSteady, double most, double? wanted) =>
        Assert.Equal(wanted, VideoPlan.For(Compliant with { FramesPerSecond = rate, IsSteady = isSteady }, new RenderWishes(), new MediaOptions { FramesPerSecond = most }).FramesPerSecond);

    [Fact]
    public void A_rate_in_thousand_and_firsts_stays_one() =>
        Assert.Equal(30_000 / 1001.0, Plan(Compliant with { FramesPerSecond = 60_000 / 1001.0 }).FramesPerSecond!.Value, 6);

    [Theory]
    [InlineData(130, "20,40,58,80,100,118,125", "0+58 58+60 118+12")]
    [InlineData(120.4, "59.5,60", "0+60 60+60.4")]
    [InlineData(130, "", "0+60 60+60 120+10")]
    [InlineData(61, "1,2", "0+2 2+59")]
    public void A_long_video_is_cut_at_its_last_key_frames_in_time(double seconds, string keys, string segments)
    {
        var keyFrames = keys.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(key => Key(double.Parse(key))).ToList();
        var cut = VideoPlan.Cut(TimeSpan.FromSeconds(seconds), keyFrames, TimeSpan.FromSeconds(60));
        Assert.Equal(segments, string.Join(' ', cut.Select(s => $"{s.Start.TotalSeconds}+{s.Duration.TotalSeconds}")));
        Assert.All(cut, s => Assert.InRange((s.Duration - s.CopiedFor).TotalSeconds, 0, 0.2));
        Assert.Equal(Enumerable.Range(0, cut.Count), cut.Select(s => s.Number!.Value));
    }

    [Fact]
    public void A_long_picture_is_kept_only_if_every_cut_is_at_a_key_frame()
    {
        var facts = Compliant with { Duration = TimeSpan.FromSeconds(130), Bytes = 50_000_000 };
        KeyFrame[] keys = [Key(59), Key(118)];
        Assert.Equal(MediaCodes.TooLong, facts.Refusal(Limits));
        Assert.Null(facts.Refusal(Limits, maySplit: true));
        Assert.True(VideoPlan.For(facts, new RenderWishes(Split: true), Limits, keys).KeepsPicture);
        Assert.False(VideoPlan.For(facts, new RenderWishes(Split: true), Limits, keys[..1]).KeepsPicture);
        Assert.Equal(MediaCodes.TooLong, (facts with { Duration = TimeSpan.FromMinutes(11) }).Refusal(Limits, maySplit: true));
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData(3.5, 3.5)]
    [InlineData(10.0, 0)]
    public void A_poster_is_taken_where_its_author_wants_it_and_there_is_something(double? wanted, double at) =>
        Assert.Equal(TimeSpan.FromSeconds(at), VideoPlan.For(Compliant, new RenderWishes(PosterAt: wanted), Limits).PosterAt);

    private static KeyFrame Key(double seconds) => new(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds - 0.1));

    private static VideoPlan Plan(VideoFacts facts) => VideoPlan.For(facts, new RenderWishes(), Limits);
}
